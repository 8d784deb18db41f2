"""The keys with which agents sign: read off their directories in the background, so that no request waits for them."""

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

from storefront_mcp.identity.asking import NoAnswer, Questions

log: Final = logging.getLogger("storefront_mcp.identity")

PATH: Final = "/.well-known/http-message-signatures-directory"
MEDIA_TYPE: Final = "application/http-message-signatures-directory+json"
MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=\"?(\d{1,9})", re.IGNORECASE)
ENCODED: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""32 bytes in base64url without padding."""
MOST_KEYS: Final = 32
FRESH: Final = 3600.0
"""Seconds that keys count without a question, where their directory does not say (RFC 9111 §5.2.2.1)."""
SHORTEST: Final = 300.0
LONGEST: Final = 86_400.0
"""Bounds of what a directory may say."""
BOUND: Final = 3600.0
"""Seconds that keys count on while a directory does not answer."""
PAUSE: Final = 60.0
"""Seconds between two questions, whatever strangers send: an unknown key id may be a rotation, or made up."""


class _Held(Struct, frozen=True):
    keys: Mapping[str, Ed25519PublicKey]
    fresh_until: float


class AgentKeys:
    """The directory of one agent (draft-meunier-http-message-signatures-directory), for all requests of a worker."""

    def __init__(self, origin: str, questions: Questions, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing but `origin` is ever asked: an agent cannot send us elsewhere."""
        self._address = origin + PATH
        self._questions = questions
        self._clock = clock
        self._held = _Held({}, float("-inf"))
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    def key(self, keyid: str) -> Ed25519PublicKey | None:
        """The key of a JWK thumbprint (RFC 7638) as far as it is known now; call it on the event loop."""
        now, held = self._clock(), self._held
        found = held.keys.get(keyid) if now < held.fresh_until + BOUND else None
        if (found is None or now >= held.fresh_until) and now - self._asked_at >= PAUSE:
            self._asked_at = now
            self._asking = asyncio.create_task(self._refresh(), name="fetch an agent's keys")
        return found

    async def close(self) -> None:
        """Stop fetching, and let go of the directory."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._questions.close()

    async def _refresh(self) -> None:
        """Ask the directory. A failure leaves what is held as it is."""
        try:
            published = await self._questions.published(self._address, MEDIA_TYPE)
        except NoAnswer as error:
            log.warning("keys of an agent: %s", error)
            return
        listed = published.content.get("keys")
        if not isinstance(listed, list) or len(listed) > MOST_KEYS:
            log.warning("keys of an agent: %s: wants a list of at most %d keys", self._address, MOST_KEYS)
            return
        keys = dict(read for jwk in listed if isinstance(jwk, dict) and (read := _read(jwk)) is not None)
        said = MAX_AGE.search(published.cache_control)
        fresh = FRESH if said is None else min(max(float(said[1]), SHORTEST), LONGEST)
        self._held = _Held(keys, self._clock() + fresh)


def thumbprint(x: str) -> str:
    """The JWK thumbprint (RFC 7638 §3, RFC 8037 §2) of an Ed25519 key, whose `x` is this."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": x}
    digest = hashlib.sha256(msgspec.json.encode(members)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _read(jwk: Mapping[str, object]) -> tuple[str, Ed25519PublicKey] | None:
    """A published key by its thumbprint, whatever it calls itself; None for one that does not sign with Ed25519."""
    x = jwk.get("x")
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or jwk.get("use", "sig") != "sig":
        return None
    if not isinstance(x, str) or not ENCODED.fullmatch(x):
        return None
    return thumbprint(x), Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "="))
