"""Cursors: where the next page starts, bound to the question it belongs to."""

import base64
import binascii
import hashlib
from typing import Final

import msgspec
from msgspec.structs import replace

from storefront_mcp.commerce.errors import CursorRefused
from storefront_mcp.commerce.search import Search

DIGEST: Final = 6
"""Bytes of the question's digest in a cursor: against mix-ups, not against forgery."""


def sealed(after: str | None, question: Search) -> str | None:
    """A cursor for the page that starts at `after`; None when there is none."""
    if after is None:
        return None
    return base64.urlsafe_b64encode(_digest(question) + after.encode()).decode().rstrip("=")


def opened(cursor: str | None, question: Search) -> Search:
    """The question at the place that a cursor names. Raises CursorRefused."""
    if cursor is None:
        return question
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        after = raw[DIGEST:].decode()
    except (binascii.Error, ValueError):
        raise CursorRefused from None
    if not after or raw[:DIGEST] != _digest(question):
        raise CursorRefused
    return replace(question, after=after)


def _digest(question: Search) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(replace(question, after=None)), digest_size=DIGEST).digest()
