"""Response of an MCP endpoint at which nothing is open, yet or for now: 503 with Retry-After."""

import datetime as dt
import math
from typing import Final

import msgspec
from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

WEEK_SECONDS: Final = 604_800
"""Retry-After without a launch date: agents should back off."""
MAX_AGE_SECONDS: Final = 300


class NotOpenBody(Struct, frozen=True, omit_defaults=True):
    """The body; its first three keys are fixed."""

    error: str
    message: str
    server_card: str
    reason: str = ""
    until: str = ""
    """ISO 8601, if the operator of a paused store said it."""


def stub_bytes(store: Store, roadmap: Roadmap) -> bytes:
    """The body for a store, two-space indented, the same for every method."""
    pause = roadmap.pause
    if pause is None:
        stub = NotOpenBody(
            error="not_yet_available",
            message=f"This storefront publishes an MCP server card at {store.card_url} but the server itself is still "
            "being built. See the card for the planned tool inventory.",
            server_card=store.card_url,
        )
    else:
        stub = NotOpenBody(
            error="closed_for_now",
            message=f"{pause.sentences} Ask again after the seconds in Retry-After.",
            server_card=store.card_url,
            reason=pause.reason,
            until="" if pause.until is None else pause.until.isoformat(),
        )
    return msgspec.json.format(msgspec.json.encode(stub), indent=2)


def retry_after(store: Store, roadmap: Roadmap, now: dt.datetime) -> int:
    """Seconds for Retry-After: to the launch date, a week without one, minutes when it is overdue.

    Of a paused store: its setting, or less if the announced end comes sooner.
    """
    pause = roadmap.pause
    if pause is not None:
        left = math.inf if pause.until is None else (pause.until - now).total_seconds()
        return math.ceil(left) if 0 < left < store.pause_retry_seconds else store.pause_retry_seconds
    if store.launch is None:
        return WEEK_SECONDS
    launch = dt.datetime.fromisoformat(store.launch)
    if launch.tzinfo is None:
        launch = launch.replace(tzinfo=dt.UTC)
    return max(math.ceil((launch - now).total_seconds()), MAX_AGE_SECONDS)


def cache_control(seconds: int) -> str:
    """`Cache-Control` of a response with this Retry-After."""
    return f"public, max-age={min(seconds, MAX_AGE_SECONDS)}"
