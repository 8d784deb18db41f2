"""The answer of an MCP endpoint that is announced but not open yet."""

import datetime as dt
import math
from typing import Final

import msgspec
from msgspec import Struct

from storefront_mcp.commerce.store import Store

WEEK: Final = 604_800
"""Seconds; agents should back off from a planned endpoint, not hammer it."""
MAX_AGE: Final = 300
CACHE: Final = f"public, max-age={MAX_AGE}"


class Stub(Struct, frozen=True):
    """The body, in its promised three keys."""

    error: str
    message: str
    server_card: str


def stub_bytes(store: Store) -> bytes:
    """The body for a store, two-space indented, the same for every method."""
    stub = Stub(
        error="not_yet_available",
        message=f"This storefront publishes an MCP server card at {store.card_url} but the server itself is still "
        "being built. See the card for the planned tool inventory.",
        server_card=store.card_url,
    )
    return msgspec.json.format(msgspec.json.encode(stub), indent=2)


def retry_after(store: Store, now: dt.datetime) -> int:
    """Seconds until it is worth asking again: to the launch date, a week without one, minutes when it is overdue."""
    if store.launch is None:
        return WEEK
    launch = dt.datetime.fromisoformat(store.launch)
    if launch.tzinfo is None:
        launch = launch.replace(tzinfo=dt.UTC)
    return max(math.ceil((launch - now).total_seconds()), MAX_AGE)
