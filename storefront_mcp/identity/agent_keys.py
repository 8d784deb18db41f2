"""Key directories of signing agents, fetched in the background so that no request waits for them."""

import asyncio
import base64
import hashlib
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from storefront_mcp.identity.issuer_client import IssuerClient, IssuerUnavailable

log: Final = logging.getLogger("storefront_mcp.identity")

DIRECTORY_PATH: Final = "/.well-known/http-message-signatures-directory"
MEDIA_TYPE: Final = "application/http-message-signatures-directory+json"
MAX_AGE_PATTERN: Final = re.compile(r"(?:^|[,\s])max-age=\"?(\d{1,9})", re.IGNORECASE)
BASE64_KEY_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""32 bytes in base64url without padding."""
MAX_KEYS: Final = 32
KEYS_TTL_SECONDS: Final = 3600.0
"""How long keys are fresh if the directory sends no max-age (RFC 9111 §5.2.2.1)."""
MIN_TTL_SECONDS: Final = 300.0
MAX_TTL_SECONDS: Final = 86_400.0
"""Bounds of a directory's max-age."""
STALE_TTL_SECONDS: Final = 3600.0
"""How long stale keys are used while the directory fails."""
FAILURE_BACKOFF_SECONDS: Final = 60.0
"""Shortest time between two fetches: an unknown key id may be a rotation, or made up."""


class _Held(Struct, frozen=True):
    keys: Mapping[str, Ed25519PublicKey]
    fresh_until: float


class AgentKeyDirectory:
    """Cached key directory of one agent (draft-meunier-http-message-signatures-directory), one per worker."""

    def __init__(self, origin: str, client: IssuerClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Only `origin` is ever requested: redirects are not followed."""
        self._address = origin + DIRECTORY_PATH
        self._client = client
        self._clock = clock
        self._held = _Held({}, float("-inf"))
        self._fetched_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    def key(self, keyid: str) -> Ed25519PublicKey | None:
        """The cached key of a JWK thumbprint (RFC 7638), or None; fetches if needed, so call it on the event loop."""
        now, held = self._clock(), self._held
        found = held.keys.get(keyid) if now < held.fresh_until + STALE_TTL_SECONDS else None
        if (found is None or now >= held.fresh_until) and now - self._fetched_at >= FAILURE_BACKOFF_SECONDS:
            self._fetched_at = now
            self._fetching = asyncio.create_task(self._refresh(), name="fetch an agent's keys")
        return found

    async def close(self) -> None:
        """Stop fetching and close the client."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        await self._client.close()

    async def _refresh(self) -> None:
        """Fetch the directory. A failure keeps the cached keys."""
        try:
            published = await self._client.get_document(self._address, MEDIA_TYPE)
        except IssuerUnavailable as error:
            log.warning("keys of an agent: %s", error)
            return
        listed = published.content.get("keys")
        if not isinstance(listed, list) or len(listed) > MAX_KEYS:
            log.warning("keys of an agent: %s: wants a list of at most %d keys", self._address, MAX_KEYS)
            return
        keys = dict(read for jwk in listed if isinstance(jwk, dict) and (read := _read(jwk)) is not None)
        said = MAX_AGE_PATTERN.search(published.cache_control)
        fresh = KEYS_TTL_SECONDS if said is None else min(max(float(said[1]), MIN_TTL_SECONDS), MAX_TTL_SECONDS)
        self._held = _Held(keys, self._clock() + fresh)


def thumbprint(x: str) -> str:
    """JWK thumbprint (RFC 7638 §3, RFC 8037 §2) of the Ed25519 key with this `x`."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": x}
    digest = hashlib.sha256(msgspec.json.encode(members)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _read(jwk: Mapping[str, object]) -> tuple[str, Ed25519PublicKey] | None:
    """Thumbprint and key of a JWK, whatever its `kid`; None if it is no Ed25519 signing key."""
    x = jwk.get("x")
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or jwk.get("use", "sig") != "sig":
        return None
    if not isinstance(x, str) or not BASE64_KEY_PATTERN.fullmatch(x):
        return None
    return thumbprint(x), Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "="))
