"""What a tool leaves with its client between two rounds: sealed, dated, and bound to the request it belongs to."""

import hashlib
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
from itsdangerous import BadData, URLSafeSerializer
from msgspec import UNSET, Raw, UnsetType

from storefront_mcp.mcp.jsonrpc import UNREADABLE, Code, Refused

LIFETIME: Final = 900
"""Seconds between two rounds of one request."""


class Seal:
    """Seals and opens `requestState` (specification, multi round-trip requests). The key is shared by all workers."""

    def __init__(self, key: bytes, *, now: Callable[[], float] = time.time) -> None:
        """`now` is in seconds since 1970: the workers of a machine agree on it."""
        self._serializer = URLSafeSerializer(key, salt="requestState")
        self._now = now

    def seal(self, state: Any, *, bound_to: str) -> str:  # noqa: ANN401 -- any JSON
        """A text that only we can have made."""
        sealed: str | bytes = self._serializer.dumps([bound_to, int(self._now()), state])
        return sealed.decode() if isinstance(sealed, bytes) else sealed

    def opened(self, sealed: str, *, bound_to: str) -> Any:  # noqa: ANN401 -- any JSON
        """The state in it. Raises Refused when it is forged, too old, or of another request."""
        try:
            belongs, since, state = self._serializer.loads(sealed)
        except (BadData, ValueError):
            raise _refusal() from None
        if belongs != bound_to or not 0 <= self._now() - since <= LIFETIME:
            raise _refusal()
        return state


def digest(method: str, name: str, arguments: Raw | UnsetType, principal: str) -> str:
    """What a sealed state is bound to: the method, its subject, its arguments and the caller. Raises Refused."""
    try:
        plain = None if arguments is UNSET else msgspec.json.decode(arguments)
    except UNREADABLE:
        raise Refused(Code.INVALID_PARAMS, "params.arguments cannot be read") from None
    canonical = msgspec.json.encode([method, name, plain, principal], order="deterministic")
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def _refusal() -> Refused:
    return Refused(Code.INVALID_PARAMS, "requestState is not ours, too old, or belongs to another request")
