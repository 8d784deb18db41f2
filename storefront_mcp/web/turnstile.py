"""Counts the requests of one site by client address, before anybody looks who it is or what they want."""

from collections.abc import Awaitable, Container, Sequence
from http import HTTPStatus
from typing import Final

from litestar.types import Scope
from msgspec import Struct

from storefront_mcp.calls.house import House
from storefront_mcp.calls.limits import Refusal, Signatures, Vouched
from storefront_mcp.mcp.jsonrpc import Code, Refused, failure_bytes
from storefront_mcp.web.body import first_of_each
from storefront_mcp.web.forwarded import Addresses

Headers = Sequence[tuple[bytes, bytes]]
TOO_MANY: Final = int(HTTPStatus.TOO_MANY_REQUESTS)
SIGNED: Final = b"signature-input"
"""The field without which there is no signature to look at (RFC 9421 §4.1)."""


class Visitor(Struct, frozen=True):
    """Implements `calls.house.Visit` for a request that came no further."""

    address: str
    headers: Headers

    def client(self) -> str:
        """What the request calls its program."""
        return first_of_each(self.headers).get(b"user-agent", b"").decode("latin-1")

    def request_id(self) -> str:
        """The id that a proxy or the client gave it."""
        return first_of_each(self.headers).get(b"x-request-id", b"").decode("latin-1")


class Turnstile:
    """Stands before the doors of one site. Whom it cannot tell from others it lets pass."""

    def __init__(self, house: House, addresses: Addresses, signatures: Signatures | None = None) -> None:
        """Without `signatures`, no request counts as signed."""
        self._signatures = signatures
        self._house = house
        self._limits = house.limits
        self._addresses = addresses

    def address(self, peer: Sequence[object] | None, headers: Headers, fields: Container[bytes] | None = None) -> str:
        """The client's address as limits count it, by the connection's other end; empty when we cannot tell."""
        return self._addresses.of(peer, headers, fields)

    def visitor(self, scope: Scope, headers: Headers, fields: Container[bytes]) -> str:
        """The client's address, as that of an agent where one has signed the request; look once: nonces are used up."""
        address = self._addresses.of(scope.get("client"), headers, fields)
        if SIGNED not in fields or self._signatures is None or not address:
            return address
        # As it was sent: what is signed is the spelling.
        target = (scope.get("raw_path") or b"") + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        host = first_of_each(headers).get(b"host", b"")
        agent = self._signatures.agent(
            scope["method"],  # type: ignore[typeddict-item]
            host.decode("latin-1"),
            target.decode("latin-1"),
            headers,
        )
        return address if agent is None else Vouched(address, agent)

    def arrives(self, address: str) -> Awaitable[Refusal | None]:
        """Why this request is one too many, to be noted by `was_too_often`; None lets it pass."""
        return self._limits.arrives(address)

    def was_too_often(self, refused: Refusal, address: str, headers: Headers) -> None:
        """Note a request that was turned away."""
        self._house.was_too_often(refused, Visitor(address, headers))

    async def refusal(self, address: str, headers: Headers) -> Refusal | None:
        """Both of these in one."""
        refused = await self.arrives(address)
        if refused is not None:
            self.was_too_often(refused, address, headers)
        return refused

    async def may_authenticate(self, address: str, headers: Headers) -> Refusal | None:
        """Why credentials from there are not looked at now; None looks at them."""
        refused = await self._limits.may_authenticate(address)
        if refused is not None:
            self._house.was_too_often(refused, Visitor(address, headers))
        return refused

    async def turned_away(self, address: str, headers: Headers) -> None:
        """Credentials from there were refused."""
        await self._limits.failed(address)
        self._house.refused_credential(Visitor(address, headers), "CredentialRefused")


def too_often(refused: Refusal) -> str:
    """A refusal as a sentence."""
    what = "refused credentials" if refused.rule == "failed" else "requests"
    return f"Too many {what} from your address. Try again in {refused.retry_after} seconds."


def refusal_bytes(refused: Refusal) -> bytes:
    """A refusal as JSON-RPC has it; without an id, as nothing of the request was read."""
    details = {"retry_after": refused.retry_after, "limit": refused.rule}
    return failure_bytes(Refused(Code.TOO_OFTEN, too_often(refused), details=details))


def http_headers(refused: Refusal) -> list[tuple[bytes, bytes]]:
    """A refusal's fields."""
    return [(name.lower().encode(), value.encode()) for name, value in refused.headers().items()]
