"""An issuer's signing keys: found by its metadata, kept for a while, fetched anew when they rotate."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from msgspec import Struct

from storefront_mcp.calls.credentials import CannotBeChecked
from storefront_mcp.identity.asking import NoAnswer, Questions

log: Final = logging.getLogger("storefront_mcp.identity")

ALGORITHMS: Final[Mapping[str, frozenset[str]]] = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
"""What may sign, by the kind of key. Not `none`, and nothing symmetric: a public key is no shared secret (RFC 8725)."""
CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
SMALLEST_RSA: Final = 2048
MOST_KEYS: Final = 32
FRESH: Final = 600.0
"""Seconds that keys count without a question."""
BOUND: Final = 3600.0
"""Seconds that keys count while the issuer does not answer; afterwards no token is accepted."""
PAUSE: Final = 10.0
"""Seconds between two questions, whatever strangers send: an unknown key id may be a rotation, or made up."""


class UnknownSigner(Exception):
    """A token names a key that its issuer does not have."""


class _Signer(Struct, frozen=True):
    """One published key, ready to check signatures with."""

    kid: str | None
    by_algorithm: Mapping[str, jwt.PyJWK]


class _Held(Struct, frozen=True):
    signers: Sequence[_Signer]
    at: float


class SigningKeys:
    """The keys of one issuer, shared by all requests of a worker."""

    def __init__(self, issuer: str, questions: Questions, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._questions = questions
        self._clock = clock
        self._held: _Held | None = None
        self._asked_at: float | None = None
        self._failed = False
        self._asking = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK:
        """The key that a token must be signed with. Raises UnknownSigner and CannotBeChecked."""
        found = self._find(kid, algorithm)
        if found is None:
            await self._refresh()
            found = self._find(kid, algorithm)
        elif self._age() >= FRESH and (self._refreshing is None or self._refreshing.done()):
            # The keys at hand still count: nobody waits for the newer ones.
            self._refreshing = asyncio.create_task(self._refresh(), name="fetch signing keys")
        if found is not None:
            return found
        if self._failed or self._held is None:
            raise CannotBeChecked(f"no keys of {self._issuer}", retry_after=int(PAUSE))
        raise UnknownSigner

    async def close(self) -> None:
        """Stop fetching."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    def _age(self) -> float:
        return float("inf") if self._held is None else self._clock() - self._held.at

    def _find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The one key that fits; two that fit are none, as nothing says which is meant."""
        if self._held is None or self._age() >= BOUND:
            return None
        fitting = [
            signer.by_algorithm[algorithm]
            for signer in self._held.signers
            if (kid is None or signer.kid == kid) and algorithm in signer.by_algorithm
        ]
        return fitting[0] if len(fitting) == 1 else None

    async def _refresh(self) -> None:
        """Ask the issuer, unless somebody did a moment ago. A failure leaves what is held as it is."""
        async with self._asking:
            now = self._clock()
            if self._asked_at is not None and now - self._asked_at < PAUSE:
                return
            try:
                signers = await self._fetched()
            except NoAnswer as error:
                self._failed = True
                log.warning("signing keys of %s: %s", self._issuer, error)
            else:
                self._failed = False
                self._held = _Held(signers, now)
            finally:
                self._asked_at = self._clock()

    async def _fetched(self) -> Sequence[_Signer]:
        metadata = await found_metadata(self._issuer, self._questions)
        address = metadata.get("jwks_uri")
        if not isinstance(address, str):
            raise NoAnswer("the metadata name no jwks_uri")
        listed = (await self._questions.get(address)).get("keys")
        if not isinstance(listed, list) or len(listed) > MOST_KEYS:
            raise NoAnswer(f"{address[:200]}: wants a list of at most {MOST_KEYS} keys")
        signers = [signer for key in listed if isinstance(key, dict) and (signer := _signer(key)) is not None]
        if not signers:
            raise NoAnswer(f"{address[:200]}: no key that may sign")
        return signers


async def found_metadata(issuer: str, questions: Questions) -> Mapping[str, Any]:
    """An issuer's metadata (RFC 8414 §3, then OpenID Connect Discovery §4). Raises NoAnswer."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    failed: list[str] = []
    for address in (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}/.well-known/openid-configuration{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    ):
        try:
            metadata = await questions.get(address)
        except NoAnswer as error:
            failed.append(str(error))
            continue
        if metadata.get("issuer") == issuer:
            return metadata
        failed.append(f"{address}: speaks for another issuer")
    raise NoAnswer("; ".join(dict.fromkeys(failed)))


def _signer(key: Mapping[str, Any]) -> _Signer | None:
    """A published key, where signatures can be checked with it (RFC 7517)."""
    kid, kind = key.get("kid"), key.get("kty")
    if (
        not isinstance(kind, str)
        or kind not in ALGORITHMS
        or key.get("use", "sig") != "sig"
        or not isinstance(kid, str | None)
    ):
        return None
    algorithms = [name for name in ALGORITHMS[kind] if key.get("alg", name) == name]
    if kind == "EC":
        algorithms = [name for name in algorithms if CURVES[name] == key.get("crv")]
    try:
        by_algorithm = {name: jwt.PyJWK(dict(key), algorithm=name) for name in algorithms}
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if kind == "RSA" and any(read.key.key_size < SMALLEST_RSA for read in by_algorithm.values()):
        return None
    return _Signer(kid, by_algorithm) if by_algorithm else None
