"""Moments as shops write them, and as agents read them."""

import datetime as dt
from typing import Final

from storefront_mcp.backends import sanitizing

MAX_TIMESTAMP_CHARS: Final = 40


def utc_seconds(text: str | None) -> int | None:
    """Unix seconds of a moment in ISO 8601, in UTC where it names no other zone. None for any other text.

    >>> utc_seconds("1970-01-01 00:01:00"), utc_seconds("1970-01-01T00:01:00.000Z"), utc_seconds("soon")
    (60, 60, None)
    """
    try:
        at = dt.datetime.fromisoformat(text or "")
        return int((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def normalise_timestamp(text: str | None) -> str:
    """A shop's moment as agents read it, in ISO 8601 and UTC; a day alone, or what is no moment, as it is.

    >>> [normalise_timestamp(text) for text in ("1970-01-01 14:16:49", "1970-01-01T14:16:49.123Z", "1970-01-01")]
    ['1970-01-01T14:16:49Z', '1970-01-01T14:16:49Z', '1970-01-01']
    """
    seconds = utc_seconds(text) if text is not None and len(text) > len("YYYY-MM-DD") else None
    return sanitizing.line(text, MAX_TIMESTAMP_CHARS) if seconds is None else utc_text(seconds)


def utc_text(seconds: float) -> str:
    """A moment in ISO 8601, to the second before it, not before 1970.

    >>> utc_text(60.9), utc_text(-5.0)
    ('1970-01-01T00:01:00Z', '1970-01-01T00:00:00Z')
    """
    return dt.datetime.fromtimestamp(int(max(0.0, seconds)), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
