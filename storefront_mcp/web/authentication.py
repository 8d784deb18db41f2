"""Bearer authentication: Authorization header to caller, or rejection with challenge (RFC 6750, RFC 9728)."""

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote_plus

from litestar import Request, Response

from storefront_mcp.access.buyer_scopes import open_buyer_scopes
from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.access.credentials import CredentialCheckUnavailable, CredentialRefused, TokenVerifier
from storefront_mcp.calls.errors import RateLimited, ScopeMissing
from storefront_mcp.instrumentation import Headers, RequestOrigin
from storefront_mcp.mcp.jsonrpc import challenge_field
from storefront_mcp.web.problem import problem_response
from storefront_mcp.web.rate_limiting import TOO_MANY_STATUS, RequestRateLimiter, http_headers, limited_text
from storefront_mcp.web.site import StoreSite

log: Final = logging.getLogger("storefront_mcp.web")

AUTHORIZATION_HEADER: Final = b"authorization"
BEARER_PATTERN: Final = re.compile(rb"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")
"""RFC 6750 §2.1."""
METADATA_PATH: Final = "/.well-known/oauth-protected-resource"
"""Followed by the path of the resource (RFC 9728 §3.1)."""


class HttpRejection(Exception):
    """A rejected request: HTTP status, detail, headers, and the error's code."""

    def __init__(self, status: int, detail: str, headers: Headers = (), *, code: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers
        self.code = code


def rejection_response(_request: Request[Any, Any, Any], rejection: HttpRejection) -> Response[bytes]:
    """Litestar's exception handler for HttpRejection: a problem document."""
    headers = {name.decode(): value.decode("latin-1") for name, value in rejection.headers}
    return problem_response(rejection.status, str(rejection), headers, code=rejection.code)


class RejectAllVerifier:
    """Implements `TokenVerifier` where no credentials are accepted."""

    async def caller(self, token: str) -> Caller:  # noqa: ARG002 -- the port's
        """Raises CredentialRefused."""
        raise CredentialRefused("No credentials are accepted here.")


class BearerAuthenticator:
    """Authenticates requests to one site."""

    def __init__(
        self,
        site: StoreSite,
        verifier: TokenVerifier,
        limiter: RequestRateLimiter | None = None,
        *,
        resource: str = "/mcp",
        takes_guests: bool = True,
    ) -> None:
        """Without `limiter`, rejected credentials are not counted; `resource` is the path that challenges are for.

        Without `takes_guests`, every request is asked to sign in, not only a call that needs it.
        """
        self.takes_guests = takes_guests
        self._site = site
        self._resource = resource
        self._verifier = verifier
        self._limiter = limiter

    def without_guests(self, resource: str) -> "BearerAuthenticator":
        """The same for another path of the site, at which everybody signs in first."""
        return BearerAuthenticator(self._site, self._verifier, self._limiter, resource=resource, takes_guests=False)

    async def caller(self, headers: Headers) -> Caller:
        """The caller of the Authorization header; call only if there is one: without it, the caller is a guest.

        Raises HttpRejection: 401 malformed or rejected, 503 issuer unreachable.
        """
        values = [value for name, value in headers if name == AUTHORIZATION_HEADER]
        token = _bearer_token(values[0]) if len(values) == 1 else None
        if token is None:
            raise self._unauthorized(
                "Send one header Authorization: Bearer, a space, and one token; or none as a guest."
            )
        try:
            return await self._verifier.caller(token)
        except CredentialRefused as error:
            raise self._unauthorized(f"{error} Get another one, or go on as a guest without Authorization.") from None
        except CredentialCheckUnavailable as error:
            log.warning("a credential could not be checked: %s", error.internal)
            retry_after = [(b"retry-after", str(error.retry_after).encode())]
            raise HttpRejection(HTTPStatus.SERVICE_UNAVAILABLE, str(error), retry_after, code=error.code) from None

    def check_query(self, query: bytes) -> None:
        """Reject `access_token` in a query: URLs end up in logs (RFC 9700 §4.3.2). Raises HttpRejection: 400."""
        for part in query.split(b"&"):
            if unquote_plus(part.partition(b"=")[0].decode("latin-1")) == "access_token":
                detail = "No token belongs into an address. Send it as Authorization: Bearer."
                raise HttpRejection(HTTPStatus.BAD_REQUEST, detail, [self.challenge(error="invalid_request")])

    async def authenticate(self, origin: RequestOrigin, query: bytes) -> Caller:
        """The caller of a request that was counted already. Raises HttpRejection."""
        if query:
            self.check_query(query)
        if not any(name == AUTHORIZATION_HEADER for name, _ in origin.headers):
            if not self.takes_guests:
                raise self._sign_in_required()
            return GUEST
        if self._limiter is None:
            return await self.caller(origin.headers)
        refused = await self._limiter.may_authenticate(origin)
        if refused is not None:
            raise HttpRejection(TOO_MANY_STATUS, limited_text(refused), http_headers(refused), code=RateLimited.code)
        try:
            return await self.caller(origin.headers)
        except HttpRejection as rejection:
            if rejection.status == HTTPStatus.UNAUTHORIZED:
                await self._limiter.count_rejection(origin)
            raise

    async def authenticate_unsigned(
        self, headers: Headers, query: bytes, client: Sequence[object] | None = None
    ) -> Caller:
        """As `authenticate`, for a request without an origin yet; `client` is the peer. Raises HttpRejection."""
        limiter = self._limiter
        origin = RequestOrigin(headers=headers) if limiter is None else limiter.unsigned_origin(client, headers)
        return await self.authenticate(origin, query)

    def insufficient_scope(self, scope: str, caller: Caller) -> HttpRejection:
        """The rejection for a missing scope: 401 for guests, 403 for other callers (RFC 6750 §3.1)."""
        if caller.kind == "guest":
            status, detail = HTTPStatus.UNAUTHORIZED, f"This takes a credential with the scope {scope}."
        else:
            status, detail = HTTPStatus.FORBIDDEN, f"This takes the scope {scope}, which your credential does not have."
        error = "insufficient_scope" if status == HTTPStatus.FORBIDDEN else None
        return HttpRejection(status, detail, [self.challenge(error=error, scope=scope)], code=ScopeMissing.code)

    def _sign_in_required(self) -> HttpRejection:
        """The rejection of a guest where only who is signed in is served."""
        detail = f"Sign in first; guests are served at {self._site.store.endpoint}."
        return HttpRejection(
            HTTPStatus.UNAUTHORIZED, detail, [self.challenge(scope=self._buyer_scopes)], code=ScopeMissing.code
        )

    def challenge(self, *, error: str | None = None, scope: str | None = None) -> tuple[bytes, bytes]:
        """A WWW-Authenticate field (RFC 6750 §3, RFC 9728 §5.1).

        It names the resource metadata where they are published: while customers can sign in, and with an issuer while
        the endpoint is open.
        """
        store = self._site.store
        roadmap = self._site.shown.roadmap
        published = roadmap.signs_in or (store.issuer is not None and roadmap.open)
        metadata = store.url(METADATA_PATH + self._resource) if published else None
        return b"www-authenticate", challenge_field(error=error, scope=scope, resource_metadata=metadata).encode()

    def _unauthorized(self, detail: str) -> HttpRejection:
        challenge = self.challenge(error="invalid_token", scope=self._buyer_scopes)
        return HttpRejection(HTTPStatus.UNAUTHORIZED, detail, [challenge], code=CredentialRefused.code)

    @property
    def _buyer_scopes(self) -> str | None:
        """All that buyers can be asked for; None while nobody can sign in."""
        return " ".join(open_buyer_scopes(self._site.shown.roadmap)) or None


def _bearer_token(value: bytes) -> str | None:
    """The token of an Authorization value; None for any other scheme or form."""
    found = BEARER_PATTERN.fullmatch(value.strip())
    return None if found is None else found[1].decode("ascii")
