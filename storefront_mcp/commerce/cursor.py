"""Pagination cursors: a position and a digest of the query, in base64url."""

import base64
import binascii
import hashlib
from typing import Final

import msgspec
from msgspec.structs import replace

from storefront_mcp.commerce.errors import CursorRefused
from storefront_mcp.commerce.search import SearchQuery

DIGEST_BYTES: Final = 6
"""Bytes of the query's digest in a cursor: against mix-ups, not against forgery."""


def encode_cursor(after: str | None, query: SearchQuery) -> str | None:
    """The cursor of the page that starts at `after`; None at the end."""
    if after is None:
        return None
    return base64.urlsafe_b64encode(_digest(query) + after.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, query: SearchQuery) -> SearchQuery:
    """The query with the cursor's position. Raises CursorRefused."""
    if cursor is None:
        return query
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        after = raw[DIGEST_BYTES:].decode()
    except (binascii.Error, ValueError):
        raise CursorRefused from None
    if not after or raw[:DIGEST_BYTES] != _digest(query):
        raise CursorRefused
    return replace(query, after=after)


def _digest(query: SearchQuery) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(replace(query, after=None)), digest_size=DIGEST_BYTES).digest()
