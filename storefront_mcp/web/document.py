"""Published documents: rendered bytes with their ETag, gzip body and headers; content negotiation."""

import gzip
import hashlib
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

CACHE_CONTROL: Final = "public, max-age=3600"
MIN_GZIP_BYTES: Final = 256
"""A smaller body is not compressed."""

CORS_HEADERS: Final[Mapping[str, str]] = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET",
    "access-control-allow-headers": "Content-Type, If-None-Match",
    "access-control-expose-headers": "ETag, Link",
}
"""On every response, also without Origin (SEP-2127), where Litestar's CORSConfig would send none."""

ALLOWED_METHODS: Final = "GET, HEAD, OPTIONS"


class DocumentRepresentation(Struct, frozen=True, kw_only=True):
    """One representation of one document (RFC 9110 §3.2)."""

    body: bytes
    zipped: bytes | None
    media_type: str
    tag: str
    """Opaque part of the ETag; the gzip body has its own (RFC 9110 §8.8.3.3)."""
    vary: str
    link: str | None = None
    cache: str = CACHE_CONTROL

    def headers(self, *, zipped: bool) -> dict[str, str]:
        """Headers of both 200 and 304."""
        headers = {
            "cache-control": self.cache,
            "etag": self.tag_of(zipped=zipped),
            "vary": self.vary,
            **CORS_HEADERS,
        }
        if self.link:
            headers["link"] = self.link
        return headers

    def tag_of(self, *, zipped: bool) -> str:
        """The ETag of one encoding."""
        return f'"{self.tag}-gz"' if zipped else f'"{self.tag}"'

    def matches(self, if_none_match: str | None) -> bool:
        """Weak comparison with If-None-Match, for either encoding (RFC 9110 §13.1.2); Litestar's ETag compares none."""
        if if_none_match is None:
            return False
        known = {self.tag_of(zipped=False), self.tag_of(zipped=True), "*"}
        return any(candidate.strip().removeprefix("W/") in known for candidate in if_none_match.split(","))


def represent(
    body: bytes, media_type: str, *, varies: bool = False, link: str | None = None, cache: str = CACHE_CONTROL
) -> DocumentRepresentation:
    """Prepare a body; `varies` says that the path has other media types too."""
    zipped = gzip.compress(body, mtime=0) if len(body) > MIN_GZIP_BYTES else None
    return DocumentRepresentation(
        body=body,
        zipped=zipped if zipped is not None and len(zipped) < len(body) else None,
        media_type=media_type,
        tag=hashlib.sha256(media_type.encode() + b"\0" + body).hexdigest()[:32],
        vary="Accept-Encoding, Accept" if varies else "Accept-Encoding",
        link=link,
        cache=cache,
    )


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether gzip may be sent (RFC 9110 §12.5.3)."""
    weights = dict(_weights(accept_encoding or ""))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def preferred_type(accept: str | None, offered: list[str]) -> str:
    """The offered media type that `Accept` names with the highest weight; the first one when none is named better.

    Wildcards mean the first, and nobody gets a 406. Litestar's Accept would serve equal weights in the client's order.
    """
    weights = dict(_weights(accept or ""))
    bare = [media_type.split(";")[0].strip() for media_type in offered]
    default = weights.get(bare[0])
    if default is None:
        default = weights.get(bare[0].split("/")[0] + "/*", weights.get("*/*", 0.0))
    best, weight = offered[0], default
    for name, media_type in zip(bare[1:], offered[1:], strict=True):
        if weights.get(name, 0.0) > weight or (weights.get(name, 0.0) == weight > 0 and bare[0] not in weights):
            best, weight = media_type, weights[name]
    return best


def _weights(field: str) -> list[tuple[str, float]]:
    """Members of an Accept-like field with their weights; 0 where the weight is malformed."""
    members = []
    for member in field.split(","):
        name, *parameters = (part.strip() for part in member.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.lower().startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if name:
            members.append((name.lower(), weight))
    return members
