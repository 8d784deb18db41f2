"""JWKS of an issuer (RFC 7517): found by its metadata, cached, fetched again when keys rotate."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from msgspec import Struct

from storefront_mcp.access.credentials import CredentialCheckUnavailable
from storefront_mcp.identity.issuer_client import IssuerClient, IssuerUnavailable

log: Final = logging.getLogger("storefront_mcp.identity")

ALGORITHMS: Final[Mapping[str, frozenset[str]]] = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
"""Accepted algorithms by key type; not `none`, nothing symmetric (RFC 8725)."""
CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
MIN_RSA_BITS: Final = 2048
MAX_KEYS: Final = 32
KEYS_TTL_SECONDS: Final = 600.0
"""How long keys are fresh."""
STALE_TTL_SECONDS: Final = 3600.0
"""How long keys are used while the issuer fails; afterwards no token is accepted."""
FAILURE_BACKOFF_SECONDS: Final = 10.0
"""Shortest time between two fetches: an unknown key id may be a rotation, or made up."""


class UnknownSigningKey(Exception):
    """A token's key id is not in the issuer's JWKS."""


class _Signer(Struct, frozen=True):
    """One published key, loaded for each algorithm."""

    kid: str | None
    by_algorithm: Mapping[str, jwt.PyJWK]


class _Held(Struct, frozen=True):
    signers: Sequence[_Signer]
    at: float


class JwksCache:
    """Cached keys of one issuer, one per worker."""

    def __init__(self, issuer: str, client: IssuerClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._client = client
        self._clock = clock
        self._held: _Held | None = None
        self._fetched_at: float | None = None
        self._failed = False
        self._fetching = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK:
        """The key of a token. Raises UnknownSigningKey and CredentialCheckUnavailable."""
        found = self._find(kid, algorithm)
        if found is None:
            await self._refresh()
            found = self._find(kid, algorithm)
        elif self._age() >= KEYS_TTL_SECONDS and (self._refreshing is None or self._refreshing.done()):
            # Stale keys are still used: no request waits for the fetch.
            self._refreshing = asyncio.create_task(self._refresh(), name="fetch signing keys")
        if found is not None:
            return found
        if self._failed or self._held is None:
            raise CredentialCheckUnavailable(f"no keys of {self._issuer}", retry_after=int(FAILURE_BACKOFF_SECONDS))
        raise UnknownSigningKey

    async def count(self) -> int:
        """Fetch the keys now, whatever is cached; how many may sign. Raises IssuerUnavailable."""
        return len(await self._fetch())

    async def close(self) -> None:
        """Stop fetching."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    def _age(self) -> float:
        return float("inf") if self._held is None else self._clock() - self._held.at

    def _find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The one key that fits; None if several do, as nothing says which is meant."""
        if self._held is None or self._age() >= STALE_TTL_SECONDS:
            return None
        fitting = [
            signer.by_algorithm[algorithm]
            for signer in self._held.signers
            if (kid is None or signer.kid == kid) and algorithm in signer.by_algorithm
        ]
        return fitting[0] if len(fitting) == 1 else None

    async def _refresh(self) -> None:
        """Fetch the keys, at most once per FAILURE_BACKOFF_SECONDS. A failure keeps the cached ones."""
        async with self._fetching:
            now = self._clock()
            if self._fetched_at is not None and now - self._fetched_at < FAILURE_BACKOFF_SECONDS:
                return
            try:
                signers = await self._fetch()
            except IssuerUnavailable as error:
                self._failed = True
                log.warning("signing keys of %s: %s", self._issuer, error)
            else:
                self._failed = False
                self._held = _Held(signers, now)
            finally:
                self._fetched_at = self._clock()

    async def _fetch(self) -> Sequence[_Signer]:
        metadata = await fetch_metadata(self._issuer, self._client)
        address = metadata.get("jwks_uri")
        if not isinstance(address, str):
            raise IssuerUnavailable("the metadata name no jwks_uri")
        listed = (await self._client.get(address)).get("keys")
        if not isinstance(listed, list) or len(listed) > MAX_KEYS:
            raise IssuerUnavailable(f"{address[:200]}: wants a list of at most {MAX_KEYS} keys")
        signers = [signer for key in listed if isinstance(key, dict) and (signer := _signer(key)) is not None]
        if not signers:
            raise IssuerUnavailable(f"{address[:200]}: no key that may sign")
        return signers


async def fetch_metadata(issuer: str, client: IssuerClient) -> Mapping[str, Any]:
    """Fetch issuer metadata (RFC 8414 §3, then OpenID Connect Discovery §4). Raises IssuerUnavailable."""
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
            metadata = await client.get(address)
        except IssuerUnavailable as error:
            failed.append(str(error))
            continue
        if metadata.get("issuer") == issuer:
            return metadata
        failed.append(f"{address}: speaks for another issuer")
    raise IssuerUnavailable("; ".join(dict.fromkeys(failed)))


def _signer(key: Mapping[str, Any]) -> _Signer | None:
    """Load a JWK; None if it is no usable signing key."""
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
    if kind == "RSA" and any(read.key.key_size < MIN_RSA_BITS for read in by_algorithm.values()):
        return None
    return _Signer(kid, by_algorithm) if by_algorithm else None
