"""`AcpError`: a request that gets no session and no cart, and how the protocol tells it: flat."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from storefront_mcp.calls.agent_protocol import ProtocolResponse
from storefront_mcp.calls.errors import (
    ArgumentsRefused,
    CallError,
    RateLimited,
    ScopeMissing,
    SignedOut,
    ToolNotOpen,
    UnknownTool,
)
from storefront_mcp.checkout_sessions.problems import protocol_text
from storefront_mcp.commerce.error_codes import CodedError
from storefront_mcp.commerce.errors import (
    CartGone,
    CartNotFound,
    CheckoutNotFound,
    KeyReused,
    PaymentDown,
    ShopBusy,
    ShopDown,
    ShopError,
    ShopOutcomeUnknown,
)

ErrorType = Literal["invalid_request", "processing_error", "service_unavailable"]
MISSING_TEXT: Final = "There is nothing under this id, or it has expired."
DEFAULT_RETRY_SECONDS: Final = 60
"""Of what will pass, where nobody said when."""


class _ErrorBody(Struct, frozen=True, omit_defaults=True, kw_only=True):
    type: ErrorType
    code: str
    message: str
    param: str | None = None
    supported_versions: tuple[str, ...] | None = None


class AcpError(Exception):
    """An error of the protocol: `code` is stable, `str(error)` is for the agent."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after: int | None = None,
        supported_versions: tuple[str, ...] | None = None,
        allowed: Sequence[str] | None = None,
    ) -> None:
        """`param` is a JSONPath (RFC 9535), `retry_after` is in seconds, `allowed` are methods, maybe none."""
        super().__init__(message)
        self.status = status
        self._headers = [(b"allow", ", ".join(allowed).encode())] if allowed is not None else []
        if retry_after is not None:
            self._headers.append((b"retry-after", str(retry_after).encode()))
        self._body = _ErrorBody(
            type=_type_of(status), code=code, message=message, param=param, supported_versions=supported_versions
        )

    def response(self) -> ProtocolResponse:
        """The error as an HTTP response."""
        return ProtocolResponse(status=self.status, body=msgspec.json.encode(self._body), headers=self._headers)


def invalid_body(message: str, param: str | None = None) -> AcpError:
    """A body that cannot be read as what is asked for."""
    return AcpError(HTTPStatus.BAD_REQUEST, "invalid", message, param=param)


def session_missing() -> AcpError:
    """No session, or no cart, of that id."""
    return AcpError(HTTPStatus.NOT_FOUND, "not_found", MISSING_TEXT)


class _Told(Struct, frozen=True):
    """How errors of a class are told."""

    status: HTTPStatus
    code: str = ""
    """Empty: that of the error."""


_UNAVAILABLE: Final = _Told(HTTPStatus.SERVICE_UNAVAILABLE)
_TOLD: Final[Mapping[type[CodedError], _Told]] = {
    CartNotFound: _Told(HTTPStatus.NOT_FOUND, "not_found"),
    CartGone: _Told(HTTPStatus.NOT_FOUND, "not_found"),
    CheckoutNotFound: _Told(HTTPStatus.NOT_FOUND, "not_found"),
    RateLimited: _Told(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited"),
    ScopeMissing: _Told(HTTPStatus.FORBIDDEN, "forbidden"),
    SignedOut: _Told(HTTPStatus.UNAUTHORIZED, "requires_sign_in"),
    ArgumentsRefused: _Told(HTTPStatus.BAD_REQUEST, "invalid"),
    KeyReused: _Told(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_conflict"),
    **dict.fromkeys((ToolNotOpen, UnknownTool, ShopDown, PaymentDown, ShopOutcomeUnknown, ShopBusy), _UNAVAILABLE),
    CallError: _Told(HTTPStatus.INTERNAL_SERVER_ERROR),
    ShopError: _Told(HTTPStatus.BAD_REQUEST),
}
"""The first class that fits."""


def error_of(error: CallError | ShopError) -> AcpError:
    """What to answer for an error that leaves nothing to show."""
    told = next(how for kind, how in _TOLD.items() if isinstance(error, kind))
    passes = told.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}
    message = MISSING_TEXT if told.status == HTTPStatus.NOT_FOUND else protocol_text(error)
    retry_after = _retry_seconds(error) if passes else None
    return AcpError(told.status, told.code or error.code, message, retry_after=retry_after)


def _retry_seconds(error: CodedError) -> int:
    if isinstance(error, RateLimited):
        return error.exceeded.retry_after
    said: Any = getattr(error, "retry_after", None) or getattr(getattr(error, "detail", None), "retry_after", None)
    return said if isinstance(said, int) and said > 0 else DEFAULT_RETRY_SECONDS


def _type_of(status: int) -> ErrorType:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return "service_unavailable"
    return "processing_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request"
