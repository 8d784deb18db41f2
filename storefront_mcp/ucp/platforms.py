"""Who asks: the profile that a request names, and the port by which platforms are known."""

import functools
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import http_sf
from msgspec import Struct

from storefront_mcp.agent_protocols.ucp import UcpRelease
from storefront_mcp.calls.agent_protocol import ProtocolRequest
from storefront_mcp.commerce.origins import is_loopback
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.message_signatures.digests import is_digest_of
from storefront_mcp.ucp.failures import DISCOVERY_ERROR, INVALID_REQUEST, UcpFailure

MAX_PROFILE_URL_CHARS: Final = 2_048
AGENT_FIELD: Final = b"ucp-agent"
DIGEST_FIELD: Final = b"content-digest"


class RequestingPlatform(Struct, frozen=True, kw_only=True):
    """A platform, by its profile."""

    profile: str
    """The URL of its profile: the name under which it is known."""
    version: str | None = None
    """None where its profile was not read."""
    capabilities: Mapping[str, tuple[str, ...]] | None = None
    """Versions by capability; None where its profile was not read: it is taken to know what is served here."""


class PlatformDirectory(Protocol):
    """Platforms by the URL of their profile."""

    async def identify(
        self, url: str, request: ProtocolRequest, release: UcpRelease
    ) -> tuple[RequestingPlatform, RequestOrigin]:
        """The platform, and where its request counts as coming from. Raises UcpRefusal.

        A platform that is trusted with more, and has signed the request, is the origin's agent.
        """


class UnfetchedPlatforms:
    """Implements `PlatformDirectory` and reads no profile: of what is signed, the digest alone can be told."""

    async def identify(
        self,
        url: str,
        request: ProtocolRequest,
        release: UcpRelease,  # noqa: ARG002 -- of the port
    ) -> tuple[RequestingPlatform, RequestOrigin]:
        """The platform of that name."""
        check_digest(request.fields, request.body)
        return RequestingPlatform(profile=url), request.runner.origin


def check_digest(fields: Mapping[bytes, bytes], body: bytes) -> None:
    """Raises UcpFailure where `Content-Digest` (RFC 9530) is sent and is another body's."""
    sent = fields.get(DIGEST_FIELD)
    if sent is not None and not is_digest_of(sent, body):
        content = "Content-Digest is not the digest of the body that arrived."
        raise UcpFailure(400, INVALID_REQUEST, "digest_mismatch", content)


def check_profile_url(url: str, origin: str) -> str:
    """The URL of a profile as a platform may name it. Raises UcpFailure.

    It is HTTPS; plain HTTP is for a platform on the machine of a store that is on loopback, too.
    """
    if _is_usable(url, local=is_loopback(origin)):
        return url
    raise UcpFailure(
        400,
        DISCOVERY_ERROR,
        "invalid_profile_url",
        "ucp-agent must name your profile by an https:// URL without a fragment.",
    )


@functools.lru_cache(maxsize=1024)
def _is_usable(url: str, *, local: bool) -> bool:
    if len(url) > MAX_PROFILE_URL_CHARS or not url.isascii() or any(char <= " " for char in url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.fragment or parts.username is not None:
        return False
    return parts.scheme == "https" or (local and parts.scheme == "http" and is_loopback(f"http://{parts.netloc}"))


@functools.lru_cache(maxsize=1024)
def profile_of_field(field: bytes) -> str | None:
    """The profile in a UCP-Agent header, an RFC 8941 dictionary; None where there is none."""
    if len(field) > 2 * MAX_PROFILE_URL_CHARS:
        return None
    try:
        members: Any = http_sf.parse(field, tltype="dictionary")
        found = members.get("profile")
    except Exception:  # noqa: BLE001 -- a field that the parser cannot read names no profile
        return None
    value = found[0] if isinstance(found, tuple) else found
    return value if isinstance(value, str) else None
