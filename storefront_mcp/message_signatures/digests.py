"""`Content-Digest` (RFC 9530) over the bytes of a body as they were sent."""

import base64
import hashlib
import hmac
from typing import Any, Final

import http_sf

DIGEST_HEADER: Final = "content-digest"
HASHES: Final = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
MAX_DIGEST_BYTES: Final = 1_024


def content_digest(body: bytes) -> str:
    """The field's value for a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def is_digest_of(value: bytes, body: bytes) -> bool:
    """Whether every digest of a known kind in the field is the body's, and there is one."""
    if len(value) > MAX_DIGEST_BYTES:
        return False
    try:
        found: Any = http_sf.parse(value, tltype="dictionary")
    except (http_sf.StructuredFieldError, ValueError):
        return False
    known = [(HASHES[name], member[0]) for name, member in found.items() if name in HASHES]
    return bool(known) and all(
        isinstance(said, bytes) and hmac.compare_digest(said, hash_(body).digest()) for hash_, said in known
    )
