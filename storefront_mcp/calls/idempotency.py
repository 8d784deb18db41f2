"""Idempotency keys: same key and arguments replay the stored result for 24 h; other arguments raise KeyReused.

A key is scoped to store, tool and caller. Two guests may invent the same key, so a guest's key is scoped to the cart
handle of the call. A guest's call without a cart, such as create_cart, is never replayed: it could hand one shopper
another one's cart.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, Protocol

import msgspec
from msgspec import Raw, Struct

from storefront_mcp.access.caller import Caller
from storefront_mcp.calls.arguments import cart_of
from storefront_mcp.calls.errors import ArgumentsRefused
from storefront_mcp.commerce.errors import KeyReused, ShopBusy, ShopError, ShopOutcomeUnknown
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.tools.content import ContentBlocks, ValueWithLinks
from storefront_mcp.tools.tool import IDEMPOTENCY_KEY
from storefront_mcp.tools.tool_context import InputRequired, MissingClientCapability

ANSWER_TTL_SECONDS: Final = 24 * 3600
"""Seconds that an answer is stored."""
CLAIM_LEASE_SECONDS: Final = 120
"""Seconds after which a running call counts as lost: longer than any backend timeout."""
MAX_WAIT_SECONDS: Final = 25.0
"""Seconds that a concurrent call waits for the first one's answer."""
FIRST_PAUSE_SECONDS: Final = 0.02
MAX_PAUSE_SECONDS: Final = 0.5
NO_EFFECT_ERRORS: Final = (ShopError, ArgumentsRefused, MissingClientCapability)
"""Raised by a tool that changed nothing, `ShopOutcomeUnknown` excepted."""
MAX_ANSWER_BYTES: Final = 256 * 1024
"""Bytes of the largest answer that is stored."""


class IdempotentCall(Struct, frozen=True, kw_only=True):
    """A call with an idempotency key."""

    store: StoreId
    tool: str
    owner: str
    """The key's scope: `cart:<handle>` for guests, else the caller's identifier."""
    key: str
    arguments: bytes
    """Canonical JSON, without the key."""
    repeats: bool
    """Whether the tool is idempotent, and so may run again after an unknown outcome."""


class IdempotencyRecord(Struct, frozen=True, kw_only=True):
    """What is stored under a key. `running`: the first call has not ended. `unclear`: its outcome is unknown."""

    same: bool
    """Whether the arguments are the same."""
    state: Literal["running", "answered", "unclear"]
    answer: bytes = b""


class IdempotencyRepository(Protocol):
    """Storage of answers: durable, shared by every worker."""

    async def claim(self, call: IdempotentCall) -> IdempotencyRecord | None:
        """The stored record; None leases the key to this call for `CLAIM_LEASE_SECONDS`.

        A call whose lease has expired is lost: the key is leased anew if the call `repeats`, else it is `unclear`.
        """

    async def store_answer(self, call: IdempotentCall, answer: bytes) -> None:
        """Store an answer for `ANSWER_TTL_SECONDS`."""

    async def mark_unknown(self, call: IdempotentCall) -> None:
        """Mark the outcome as unknown, for as long."""

    async def release(self, call: IdempotentCall) -> None:
        """Release the key: nothing was changed."""


def idempotent_call(
    store: StoreId, tool: str, arguments: Struct, caller: Caller, *, repeats: bool
) -> IdempotentCall | None:
    """The call under its key; None without a key, or where a guest's key has no cart to be scoped to."""
    key = getattr(arguments, IDEMPOTENCY_KEY, "")
    if not key:
        return None
    cart, guest = cart_of(arguments), caller.kind == "guest"
    if guest and cart is None:
        return None
    sent = msgspec.to_builtins(arguments)
    sent.pop(IDEMPOTENCY_KEY, None)
    return IdempotentCall(
        store=store,
        tool=tool,
        owner=f"cart:{cart}" if guest else caller.identifier,
        key=key,
        arguments=msgspec.json.encode(sent, order="deterministic"),
        repeats=repeats,
    )


async def claim(
    call: IdempotentCall,
    answers: IdempotencyRepository,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Raw | None:
    """The stored answer to replay; None when this call must run, and then `release` or `complete`.

    Waits for a call that is running. Raises KeyReused, ShopBusy and ShopOutcomeUnknown.
    """
    until, wait = clock() + MAX_WAIT_SECONDS, FIRST_PAUSE_SECONDS
    while (record := await answers.claim(call)) is not None:
        if not record.same:
            raise KeyReused
        if record.state == "answered":
            return Raw(record.answer)
        if record.state == "unclear":
            raise ShopOutcomeUnknown(internal="replayed: the first call under this key ended without an answer")
        if clock() >= until:
            raise ShopBusy(retry_after=5, internal="the first call under this key is still under way")
        await pause(wait)
        wait = min(2 * wait, MAX_PAUSE_SECONDS)
    return None


async def release(call: IdempotentCall, answers: IdempotencyRepository, error: BaseException) -> None:
    """End a claimed call that failed, also when the client has disconnected.

    The key is released where nothing was changed or the tool is idempotent; else the outcome is stored as unknown.
    """
    unchanged = isinstance(error, NO_EFFECT_ERRORS) and not isinstance(error, ShopOutcomeUnknown)
    await asyncio.shield(answers.release(call) if unchanged or call.repeats else answers.mark_unknown(call))


async def complete(call: IdempotentCall, answers: IdempotencyRepository, value: Any) -> None:  # noqa: ANN401 -- the tool's value
    """End a claimed call that succeeded: its answer is stored unless it is too large or no plain value."""
    answer = None if isinstance(value, InputRequired | ContentBlocks | ValueWithLinks) else msgspec.json.encode(value)
    if answer is None or len(answer) > MAX_ANSWER_BYTES:
        await answers.release(call)
    else:
        await answers.store_answer(call, answer)
