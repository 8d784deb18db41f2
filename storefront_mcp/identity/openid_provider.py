"""`OpenIdProvider`: one client's view of an OpenID provider (OpenID Connect Core 1.0, code flow with PKCE)."""

import asyncio
import datetime as dt
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
from msgspec import Struct

from storefront_mcp.access.credentials import CredentialCheckUnavailable, CredentialRefused, Secret
from storefront_mcp.commerce.origins import normalise_origin, origin_of
from storefront_mcp.identity.claims import IdTokenPolicy
from storefront_mcp.identity.issuer_client import IssuerClient, IssuerUnavailable, is_trusted_url
from storefront_mcp.identity.jwks import JwksCache, fetch_metadata
from storefront_mcp.identity.signed_tokens import ALLOWED_ALGORITHMS, signed_claims
from storefront_mcp.public_http.addresses import is_public_url

METADATA_TTL_SECONDS: Final = 600.0
FAILURE_BACKOFF_SECONDS: Final = 5.0
"""Time after a failure in which the metadata are not asked for again."""
MAX_URL_CHARS: Final = 2_048
ID_TOKEN_TYPES: Final = frozenset({"jwt"})
"""Accepted `typ` of an ID token: never that of an access token (RFC 8725 §3.11)."""
TOKEN_PATTERN: Final = re.compile(r"[!-~]{1,16384}")
MAX_LIFETIME_SECONDS: Final = 10 * 365 * 86_400


class OpenIdClient(Struct, frozen=True, kw_only=True):
    """As whom we are registered at an OpenID provider."""

    issuer: str
    """Issuer identifier, exactly as in its metadata."""
    client_id: str
    secret: Secret | None = None
    """None for a public client."""
    redirect_uri: str
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    audience: str | None = None
    """`audience` of an authorization request, which some providers want before they issue tokens for an API."""


class ProviderMetadata(Struct, frozen=True, kw_only=True):
    """What counts of the metadata (OpenID Connect Discovery 1.0 §3, RFC 9207 §3)."""

    authorization_endpoint: str
    token_endpoint: str
    names_itself: bool
    """Whether each answer of the authorization endpoint says `iss`."""
    secret_in_form: bool
    """Whether the secret goes into the form, as HTTP Basic authentication is not taken."""


class ProviderTokens(Struct, frozen=True, kw_only=True):
    """What the token endpoint gave; `lifetime` is in seconds, None where it tells none."""

    access: str
    refresh: str
    lifetime: int | None
    subject: str
    """Whom the ID token is about; empty after a refresh that gave none."""

    def __repr__(self) -> str:
        """Without tokens and person."""
        return f"ProviderTokens(lifetime={self.lifetime!r})"


class OpenIdProvider:
    """Requests to the provider and checks of its answers. Calls raise IssuerUnavailable and CredentialRefused.

    What the metadata name is asked at the issuer's own origin or at a public host name, over https: nothing leads into
    a private network that the operator did not name.
    """

    def __init__(
        self,
        client: OpenIdClient,
        *,
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport` is for tests."""
        self.client = client
        self._now = now
        self._clock = clock
        self._http = IssuerClient(transport, may_ask=lambda url: is_endpoint_of(client.issuer, url))
        self._keys = JwksCache(client.issuer, self._http, clock=clock)
        self._policy = IdTokenPolicy(issuer=client.issuer, client_id=client.client_id)
        self._metadata: ProviderMetadata | None = None
        self._fetched_at = float("-inf")
        self._failed_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def authorization_address(self, *, state: str, nonce: str, challenge: str) -> str:
        """Where a browser asks for a code (OpenID Connect Core §3.1.2.1)."""
        metadata, client = await self._current(), self.client
        asked = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": " ".join(dict.fromkeys(("openid", *client.scopes))),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"audience": client.audience} if client.audience else {}),
        }
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(asked)}"

    async def check_sender(self, issuer: str | None) -> None:
        """Check the `iss` of an answer, which names who sent it (RFC 9207 §2.4)."""
        expected = (await self._current()).names_itself
        if issuer != self.client.issuer and (expected or issuer is not None):
            raise CredentialRefused("The answer is of another issuer.")

    async def redeem(self, code: str, *, verifier: str, nonce: str) -> ProviderTokens:
        """The tokens of a code (OpenID Connect Core §3.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uri,
            "code_verifier": verifier,
        }
        answer = await self._ask_tokens(form)
        id_token = _token(answer, "id_token")
        if not id_token:
            raise CredentialRefused("The provider gave no ID token.")
        return _tokens(answer, await self._subject(id_token, nonce))

    async def refresh(self, refresh_token: str, *, subject: str) -> ProviderTokens:
        """Newer tokens of the same person (RFC 6749 §6, OpenID Connect Core §12)."""
        answer = await self._ask_tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})
        id_token = _token(answer, "id_token")
        if id_token and await self._subject(id_token, None) != subject:
            raise CredentialRefused("The provider renewed the tokens of somebody else.")
        return _tokens(answer, subject)

    async def examine(self) -> int:
        """Read metadata and keys; how many keys may sign. Raises IssuerUnavailable with what does not fit."""
        await self._current()
        return await self._keys.count()

    def seconds(self) -> float:
        """Now, in Unix seconds."""
        return self._now().timestamp()

    async def close(self) -> None:
        """Stop fetching, and close the connections."""
        await self._keys.close()
        await self._http.close()

    async def _subject(self, id_token: str, nonce: str | None) -> str:
        try:
            claims = await signed_claims(id_token, self._keys, types=ID_TOKEN_TYPES)
        except CredentialCheckUnavailable as error:
            raise IssuerUnavailable(str(error)) from None
        return self._policy.subject(claims, self._now(), nonce=nonce)

    async def _ask_tokens(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        metadata, client = await self._current(), self.client
        if client.secret is None:
            return await self._http.post(metadata.token_endpoint, {**form, "client_id": client.client_id})
        if metadata.secret_in_form:
            proof = {"client_id": client.client_id, "client_secret": client.secret.reveal()}
            return await self._http.post(metadata.token_endpoint, {**form, **proof})
        return await self._http.post(metadata.token_endpoint, form, client_id=client.client_id, secret=client.secret)

    async def _current(self) -> ProviderMetadata:
        """The metadata, from the cache while they are fresh."""
        async with self._fetching:
            now = self._clock()
            if self._metadata is not None and now - self._fetched_at < METADATA_TTL_SECONDS:
                return self._metadata
            if now - self._failed_at < FAILURE_BACKOFF_SECONDS:
                raise IssuerUnavailable(f"{self.client.issuer[:200]}: its metadata could not be read a moment ago")
            try:
                found = provider_metadata(self.client.issuer, await fetch_metadata(self.client.issuer, self._http))
            except IssuerUnavailable:
                self._failed_at = self._clock()
                raise
            self._metadata, self._fetched_at = found, now
            return found


def is_endpoint_of(issuer: str, url: str) -> bool:
    """Whether an issuer may name a URL as its own: at its own origin, or at a public host name by https."""
    if len(url) > MAX_URL_CHARS or not is_trusted_url(url):
        return False
    try:
        own = normalise_origin(origin_of(url)) == normalise_origin(origin_of(issuer))
    except (ValueError, KeyError):
        return False
    return own or is_public_url(url.partition("?")[0], max_chars=MAX_URL_CHARS)


def provider_metadata(issuer: str, metadata: Mapping[str, Any]) -> ProviderMetadata:
    """What counts of an issuer's metadata. Raises IssuerUnavailable with what is missing for us."""
    ends = {}
    for name in ("authorization_endpoint", "token_endpoint"):
        url = metadata.get(name)
        if not isinstance(url, str) or not is_endpoint_of(issuer, url) or "#" in url:
            raise IssuerUnavailable(f"{issuer[:200]}: its {name} is missing, or neither the issuer's nor public")
        ends[name] = url
    if "code" not in _listed_texts(metadata, "response_types_supported", ["code"]):
        raise IssuerUnavailable(f"{issuer[:200]}: it gives no codes")
    if "S256" not in _listed_texts(metadata, "code_challenge_methods_supported", ["S256"]):
        raise IssuerUnavailable(f"{issuer[:200]}: it knows no PKCE with S256")
    if ALLOWED_ALGORITHMS.isdisjoint(_listed_texts(metadata, "id_token_signing_alg_values_supported", ["RS256"])):
        raise IssuerUnavailable(f"{issuer[:200]}: it signs ID tokens by no algorithm that is accepted here")
    methods = _listed_texts(metadata, "token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return ProviderMetadata(
        **ends,
        names_itself=metadata.get("authorization_response_iss_parameter_supported") is True,
        secret_in_form="client_secret_basic" not in methods and "client_secret_post" in methods,
    )


def _listed_texts(metadata: Mapping[str, Any], name: str, default: list[str]) -> list[str]:
    """Texts of a list in the metadata; `default` where there is none."""
    found = metadata.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else default


def _token(answer: Mapping[str, Any], name: str) -> str:
    """A token in an answer; empty where there is none. Raises CredentialRefused for what no token is."""
    found = answer.get(name)
    if found is None or found == "":
        return ""
    if not isinstance(found, str) or TOKEN_PATTERN.fullmatch(found) is None:
        raise CredentialRefused(f"The provider's {name} is no token.")
    return found


def _tokens(answer: Mapping[str, Any], subject: str) -> ProviderTokens:
    access, kind, lifetime = _token(answer, "access_token"), answer.get("token_type"), answer.get("expires_in")
    if not access or not isinstance(kind, str) or kind.lower() != "bearer":
        raise CredentialRefused("The provider gave no bearer token.")
    told = isinstance(lifetime, int) and not isinstance(lifetime, bool) and 0 < lifetime <= MAX_LIFETIME_SECONDS
    return ProviderTokens(
        access=access,
        refresh=_token(answer, "refresh_token"),
        lifetime=lifetime if told else None,
        subject=subject,
    )
