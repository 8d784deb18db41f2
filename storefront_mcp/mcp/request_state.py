"""Signing (not encryption: the client can read it) of `requestState`, bound to its request and valid for 900 s."""

import hashlib
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
from itsdangerous import BadData, URLSafeSerializer
from msgspec import UNSET, Raw, UnsetType

from storefront_mcp.mcp.jsonrpc import JSON_DECODE_ERRORS, ErrorCode, JsonRpcError

REQUEST_STATE_TTL_SECONDS: Final = 900
"""Longest time between two rounds of one request."""


class RequestStateSigner:
    """Signs and verifies `requestState` (specification, multi round-trip requests). All workers share the key."""

    def __init__(self, key: bytes, *, now: Callable[[], float] = time.time) -> None:
        """`now` is in seconds since 1970."""
        self._serializer = URLSafeSerializer(key, salt="requestState")
        self._now = now

    def sign(self, state: Any, *, bound_to: str) -> str:  # noqa: ANN401 -- any JSON
        """A signed text with the state, the time and the binding."""
        signed: str | bytes = self._serializer.dumps([bound_to, int(self._now()), state])
        return signed.decode() if isinstance(signed, bytes) else signed

    def verify(self, signed: str, *, bound_to: str) -> Any:  # noqa: ANN401 -- any JSON
        """The signed state. Raises JsonRpcError if it is forged, expired, or of another request."""
        try:
            binding, signed_at, state = self._serializer.loads(signed)
        except (BadData, ValueError):
            raise _invalid_state() from None
        if binding != bound_to or not 0 <= self._now() - signed_at <= REQUEST_STATE_TTL_SECONDS:
            raise _invalid_state()
        return state


def binding_digest(method: str, name: str, arguments: Raw | UnsetType, principal: str) -> str:
    """Digest of method, name, arguments and caller that a state is bound to. Raises JsonRpcError."""
    try:
        plain = None if arguments is UNSET else msgspec.json.decode(arguments)
        # What could just be decoded may be nested too deeply to be encoded.
        canonical = msgspec.json.encode([method, name, plain, principal], order="deterministic")
    except JSON_DECODE_ERRORS:
        raise JsonRpcError(ErrorCode.INVALID_PARAMS, "params.arguments cannot be read") from None
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def _invalid_state() -> JsonRpcError:
    return JsonRpcError(ErrorCode.INVALID_PARAMS, "requestState is not ours, too old, or belongs to another request")
