"""The same wish under the same key is granted once: its first answer is replayed, another wish is refused.

A key counts for one store, one tool and one caller. Of guests nothing is known, and two of them may well invent the
same key; so a guest's key counts for the cart that the call names, whose handle nobody else has. A guest's call that
names no cart, such as the making of one, is never replayed: that could only hand one shopper another one's cart.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, Protocol

import msgspec
from msgspec import Raw, Struct

from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.errors import ArgumentsRefused
from storefront_mcp.calls.fields import cart_of, key_of
from storefront_mcp.commerce.errors import KeyReused, ShopBusy, ShopError, ShopUnclear
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.roadmap.content import Content, Linked
from storefront_mcp.roadmap.conversation import Ask, CapabilityNeeded
from storefront_mcp.roadmap.tool import KEY

LIFETIME: Final = 24 * 3600
"""Seconds that an answer is kept."""
LEASE: Final = 120
"""Seconds that a call may be under way before it counts as lost: more than any backend may take."""
WAIT: Final = 25.0
"""Seconds that a second call waits for the first one's answer."""
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5
NOTHING_HAPPENED: Final = (ShopError, ArgumentsRefused, CapabilityNeeded)
"""What a tool raises when it changed nothing; `ShopUnclear`, though a ShopError, is the exception."""
LARGEST: Final = 256 * 1024
"""Bytes of an answer that is kept."""


class Wish(Struct, frozen=True, kw_only=True):
    """What is asked for under a key."""

    store: StoreId
    tool: str
    owner: str
    """Whose key it is."""
    key: str
    arguments: bytes
    """As JSON in a fixed order, the key excepted."""
    repeats: bool
    """Whether the tool may simply run again when nobody knows how it ended."""


class Kept(Struct, frozen=True, kw_only=True):
    """What is on record under a key. `running`: a call is under way. `unclear`: nobody knows how it ended."""

    same: bool
    """Whether the arguments are the same."""
    state: Literal["running", "answered", "unclear"]
    answer: bytes = b""


class Replays(Protocol):
    """Where answers are kept: durable, and shared by every worker."""

    async def begin(self, wish: Wish) -> Kept | None:
        """What is on record; None makes the wish the caller's to grant, and holds the key for `LEASE` seconds.

        A call that held its key for longer is lost: the key is held anew if the wish `repeats`, else it is unclear.
        """

    async def answered(self, wish: Wish, answer: bytes) -> None:
        """Keep an answer for `LIFETIME` seconds."""

    async def unclear(self, wish: Wish) -> None:
        """Keep that nobody knows, for as long."""

    async def forget(self, wish: Wish) -> None:
        """Let go of the key: nothing happened."""


def wish_for(store: StoreId, tool: str, arguments: Struct, caller: Caller, *, repeats: bool) -> Wish | None:
    """The wish behind a call; None when it has no key, or none that we may go by."""
    key = key_of(arguments)
    if key is None:
        return None
    cart = cart_of(arguments)
    if caller.is_guest and cart is None:
        return None
    sent = msgspec.to_builtins(arguments)
    sent.pop(KEY, None)
    return Wish(
        store=store,
        tool=tool,
        owner=f"cart:{cart}" if caller.is_guest else caller.identifier,
        key=key,
        arguments=msgspec.json.encode(sent, order="deterministic"),
        repeats=repeats,
    )


async def once(
    wish: Wish,
    replays: Replays,
    run: Callable[[], Awaitable[Any]],
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Any:  # noqa: ANN401 -- the tool's value, or its first answer as it was encoded
    """Run, or replay the first answer. Raises what `run` raises, KeyReused, ShopBusy and ShopUnclear.

    What surely did not happen is forgotten, so the same key may try again. What may have happened is not: the same key
    is told so for as long as it would have been replayed, unless doing it twice is the same as doing it once.
    """
    until, wait = clock() + WAIT, FIRST_PAUSE
    while (kept := await replays.begin(wish)) is not None:
        if not kept.same:
            raise KeyReused
        if kept.state == "answered":
            return Raw(kept.answer)
        if kept.state == "unclear":
            raise ShopUnclear(internal="replayed: the first call under this key ended without an answer")
        if clock() >= until:
            raise ShopBusy(retry_after=5, internal="the first call under this key is still under way")
        await pause(wait)
        wait = min(2 * wait, LONGEST_PAUSE)
    return await _granted(wish, replays, run)


async def _granted(wish: Wish, replays: Replays, run: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401
    try:
        value = await run()
    except BaseException as error:
        nothing_happened = isinstance(error, NOTHING_HAPPENED) and not isinstance(error, ShopUnclear)
        # Whoever hung up does not keep us from writing down how it ended.
        await asyncio.shield(replays.forget(wish) if nothing_happened or wish.repeats else replays.unclear(wish))
        raise
    answer = None if isinstance(value, Ask | Content | Linked) else msgspec.json.encode(value)
    if answer is None or len(answer) > LARGEST:
        await replays.forget(wish)
    else:
        await replays.answered(wish, answer)
    return value
