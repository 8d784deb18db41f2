"""Signed requests of platforms: whoever is listed and signs is counted by itself, with wider limits."""

import contextlib
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.instrumentation import Headers, RequestOrigin
from storefront_mcp.message_signatures.digests import is_digest_of
from storefront_mcp.message_signatures.verification import INPUT_HEADER, RequestSignatures
from storefront_mcp.ucp.platform_errors import PlatformRefused
from storefront_mcp.ucp.platform_profiles import PlatformProfiles
from storefront_mcp.ucp.profiles import PlatformProfile

COVERED_COMPONENTS: Final = ("@method", "@authority", "@path")
FIELDS_COVERED_IF_SENT: Final = ("ucp-agent", "idempotency-key", "signature-agent")
BODY_FIELDS: Final = ("content-digest", "content-type")


class PlatformRequest(Struct, frozen=True, kw_only=True):
    """A request as it arrived."""

    method: str
    target: str
    """Path and query as the client sent them, below any path that a proxy has cut off."""
    headers: Headers
    body: bytes


class PlatformTrust:
    """Tells which requests a platform has signed, for one store."""

    def __init__(self, directory: PlatformProfiles, *, origin: str, now: Callable[[], dt.datetime]) -> None:
        """`origin` is the store's: a proxy may have removed TLS, and changed the host."""
        self._directory = directory
        self._origin = origin
        self._now = now

    async def verified_origin(
        self, request: PlatformRequest, platform: PlatformProfile, origin: RequestOrigin
    ) -> RequestOrigin:
        """Where a request came from, with the platform that signed it as its agent. Raises PlatformRefused.

        Only a platform that the operator lists is counted by itself: keys of its own has anybody, and as many hosts as
        it likes. What is not signed, or not well, is a request like any other.
        """
        fields = dict(request.headers)
        digest = fields.get(b"content-digest")
        if digest is not None and not is_digest_of(digest, request.body):
            raise PlatformRefused("digest_mismatch", "Content-Digest is not the digest of the body that arrived.")
        if not platform.known or INPUT_HEADER not in fields:
            return origin
        signatures = RequestSignatures(request.method, self._origin + request.target, request.headers)
        if not signatures.key_ids:
            return origin
        if not signatures.key_ids & platform.keys.keys():
            with contextlib.suppress(PlatformRefused):
                platform = await self._directory.with_new_keys(platform)
        signer = signatures.signed_by(
            platform.keys.get, covering=_components(request, fields), now=self._now().timestamp()
        )
        return origin if signer is None else replace(origin, agent=_origin_of(platform.profile))


def _components(request: PlatformRequest, fields: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """What a signature has to cover to be of this request (signatures, Request signing)."""
    return (
        *COVERED_COMPONENTS,
        *(("@query",) if "?" in request.target else ()),
        *(name for name in FIELDS_COVERED_IF_SENT if name.encode() in fields),
        *(BODY_FIELDS if request.body else ()),
    )


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
