"""Who stands at a store's door: an Authorization header becomes a caller, or a refusal with a challenge."""

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_plus

from litestar.types import Scope, Send

from storefront_mcp.calls.caller import GUEST, Caller
from storefront_mcp.calls.credentials import CannotBeChecked, CredentialRefused, Identity
from storefront_mcp.web.gate import Gate
from storefront_mcp.web.site import Site
from storefront_mcp.web.turnstile import TOO_MANY, Turnstile, http_headers, too_often

log: Final = logging.getLogger("storefront_mcp.web")

FIELD: Final = b"authorization"
BEARER: Final = re.compile(rb"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")
"""RFC 6750 §2.1."""
METADATA: Final = "/.well-known/oauth-protected-resource/mcp"
Headers = Sequence[tuple[bytes, bytes]]


class TurnedAway(Exception):
    """A request that is not let in: HTTP status, what to say, and the headers that go with it."""

    def __init__(self, status: int, detail: str, headers: Headers = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers


class NoIdentity:
    """Implements `Identity` where no credentials are accepted."""

    async def caller(self, token: str) -> Caller:  # noqa: ARG002 -- none is looked at
        """Nobody."""
        raise CredentialRefused("No credentials are accepted here.")


class Door:
    """Stands before everything of one site that looks at credentials."""

    def __init__(self, site: Site, identity: Identity, turnstile: Turnstile | None = None) -> None:
        """Without a `turnstile`, nobody counts what is refused."""
        self._site = site
        self._identity = identity
        self._turnstile = turnstile

    async def caller(self, headers: Headers) -> Caller:
        """Whoever sent this Authorization header; requests without one are guests and need not ask.

        Raises TurnedAway: a credential that does not hold never makes a guest.
        """
        sent = [value for name, value in headers if name == FIELD]
        token = _bearer(sent[0]) if len(sent) == 1 else None
        if token is None:
            raise self._refused("Send one header Authorization: Bearer, a space, and one token; or none as a guest.")
        try:
            return await self._identity.caller(token)
        except CredentialRefused as error:
            raise self._refused(f"{error} Get another one, or go on as a guest without Authorization.") from None
        except CannotBeChecked as error:
            log.warning("a credential could not be checked: %s", error.internal)
            wait = str(error.retry_after).encode()
            raise TurnedAway(HTTPStatus.SERVICE_UNAVAILABLE, str(error), [(b"retry-after", wait)]) from None

    def check_query(self, query: bytes) -> None:
        """Tokens in addresses end up in logs (RFC 9700 §4.3.2). Raises TurnedAway."""
        for part in query.split(b"&"):
            if unquote_plus(part.partition(b"=")[0].decode("latin-1")) == "access_token":
                detail = "No token belongs into an address. Send it as Authorization: Bearer."
                raise TurnedAway(HTTPStatus.BAD_REQUEST, detail, [self.challenge(error="invalid_request")])

    async def admitted(self, headers: Headers, query: bytes, client: Sequence[object] | None = None) -> Caller:
        """The caller of a request, a guest or not; `client` is the connection's other end. Raises TurnedAway."""
        if query:
            self.check_query(query)
        if not any(name == FIELD for name, _ in headers):
            return GUEST
        if self._turnstile is None:
            return await self.caller(headers)
        address = self._turnstile.address(client, headers)
        refused = await self._turnstile.may_authenticate(address, headers)
        if refused is not None:
            raise TurnedAway(TOO_MANY, too_often(refused), http_headers(refused))
        try:
            return await self.caller(headers)
        except TurnedAway as away:
            if away.status == HTTPStatus.UNAUTHORIZED:
                await self._turnstile.turned_away(address, headers)
            raise

    async def uncounted(self, headers: Headers, query: bytes, client: Sequence[object] | None = None) -> Caller:
        """As `admitted`, for a request that has not been counted by its address yet. Raises TurnedAway."""
        if self._turnstile is not None:
            refused = await self._turnstile.refusal(self._turnstile.address(client, headers), headers)
            if refused is not None:
                raise TurnedAway(TOO_MANY, too_often(refused), http_headers(refused))
        return await self.admitted(headers, query, client)

    def needs(self, scope: str, caller: Caller) -> TurnedAway:
        """The refusal of what takes a scope: 401 for guests, 403 for those who may less (RFC 6750 §3.1)."""
        if caller.is_guest:
            status, detail = HTTPStatus.UNAUTHORIZED, f"This takes a credential with the scope {scope}."
        else:
            status, detail = HTTPStatus.FORBIDDEN, f"This takes the scope {scope}, which your credential does not have."
        return TurnedAway(status, detail, [self.lacking(scope, status)])

    def lacking(self, scope: str, status: int) -> tuple[bytes, bytes]:
        """The challenge beside an answer of MCP that says 401 or 403."""
        error = "insufficient_scope" if status == HTTPStatus.FORBIDDEN else None
        return self.challenge(error=error, scope=scope)

    def challenge(self, *, error: str | None = None, scope: str | None = None) -> tuple[bytes, bytes]:
        """A WWW-Authenticate field (RFC 6750 §3, RFC 9728 §5.1).

        It points to the metadata only where there are any: while the endpoint is open and there is an issuer.
        """
        store = self._site.store
        published = store.issuer is not None and self._site.shown.roadmap.open
        metadata = store.url(METADATA) if published else None
        said = (("error", error), ("scope", scope), ("resource_metadata", metadata))
        fields = [f'{name}="{value}"' for name, value in said if value is not None]
        return b"www-authenticate", f"Bearer {', '.join(fields)}".strip().encode()

    def _refused(self, detail: str) -> TurnedAway:
        return TurnedAway(HTTPStatus.UNAUTHORIZED, detail, [self.challenge(error="invalid_token")])


async def admitted(door: Door, gate: Gate, scope: Scope, send: Send, cors: Headers) -> Caller | None:
    """The caller of a request; None when it has been turned away here."""
    try:
        return await door.admitted(list(scope["headers"]), scope["query_string"], scope.get("client"))
    except TurnedAway as away:
        head = scope["method"] == "HEAD"  # type: ignore[typeddict-item]
        await gate.problem(send, away.status, str(away), [*away.headers, *cors], head=head)
        return None


def _bearer(value: bytes) -> str | None:
    """The token of an Authorization value; None when it is not exactly `Bearer` and one token."""
    sent = BEARER.fullmatch(value.strip())
    return None if sent is None else sent[1].decode("ascii")
