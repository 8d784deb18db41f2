"""What the authorization server refuses: at its endpoints as JSON, to a browser as a page or as a redirect."""

from http import HTTPStatus
from typing import Literal

from storefront_mcp.oauth.sign_in_views import ReturnAddress

EndpointError = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "invalid_target",
    "unsupported_grant_type",
    "invalid_redirect_uri",
    "invalid_client_metadata",
]
RedirectError = Literal[
    "access_denied",
    "invalid_request",
    "invalid_target",
    "server_error",
    "temporarily_unavailable",
    "unsupported_response_type",
]


class EndpointRefusal(Exception):
    """An error of the token, revocation or registration endpoint (RFC 6749 §5.2, RFC 7591 §3.2.2)."""

    def __init__(self, code: EndpointError, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.status = HTTPStatus.UNAUTHORIZED if code == "invalid_client" else HTTPStatus.BAD_REQUEST


class TooManyRegistrations(Exception):
    """A client address that registers too often; `retry_after` is in seconds."""

    retry_after = 60


class UnknownClient(Exception):
    """A client that is not known here or not let in; the message is for the person and the client's developer."""


class ClientRefused(Exception):
    """An authorization request of nobody we know, which is never answered by a redirect (RFC 6749 §4.1.2.1)."""


class RequestDenied(Exception):
    """An authorization request that is answered with an error at the client's redirect URI."""

    def __init__(self, answer: ReturnAddress) -> None:
        super().__init__(answer.address)
        self.answer = answer
