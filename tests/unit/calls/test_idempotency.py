"""The same wish under the same key is granted once, whoever asks when and however it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import Meta, Raw, Struct

from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.calls.errors import ArgumentsRefused
from storefront_mcp.calls.idempotency import (
    MAX_ANSWER_BYTES,
    IdempotencyRecord,
    IdempotencyRepository,
    IdempotentCall,
    claim,
    complete,
    idempotent_call,
    release,
)
from storefront_mcp.commerce.cart import CartHandle
from storefront_mcp.commerce.errors import KeyReused, OutOfStock, ShopBusy, ShopDown, ShopError, ShopOutcomeUnknown
from storefront_mcp.commerce.ids import CartId, Sku, StoreId
from storefront_mcp.tools.content import ContentBlocks, TextBlock

PICKLE = StoreId("pickle")
AGENT = Caller(kind="key", principal="k1")


class Add(Struct, frozen=True, kw_only=True):
    """A writing tool's arguments, as the tool machinery completes them."""

    cart_id: CartHandle
    sku: Sku = Sku("PAD-2")
    quantity: Annotated[int, Meta(ge=1)] = 1
    idempotency_key: str = ""


class Start(Struct, frozen=True):
    """Arguments without a cart."""

    idempotency_key: str = ""


class MemoryReplays:
    """Implements `IdempotencyRepository`; a lost call is played by `lose`."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, ...], tuple[bytes, str, bytes]] = {}
        self.lost: set[tuple[str, ...]] = set()

    async def claim(self, call: IdempotentCall) -> IdempotencyRecord | None:
        row = self.rows.get(at(call))
        if row is None:
            self.rows[at(call)] = (call.arguments, "running", b"")
            return None
        arguments, state, answer = row
        same = arguments == call.arguments
        if at(call) in self.lost and state == "running":
            if same and call.repeats:
                self.lost.discard(at(call))
                return None
            state = "unclear"
        return IdempotencyRecord(same=same, state=state, answer=answer)  # type: ignore[arg-type]

    async def store_answer(self, call: IdempotentCall, answer: bytes) -> None:
        self.rows[at(call)] = (call.arguments, "answered", answer)

    async def mark_unknown(self, call: IdempotentCall) -> None:
        self.rows[at(call)] = (call.arguments, "unclear", b"")

    async def release(self, call: IdempotentCall) -> None:
        del self.rows[at(call)]


def at(call: IdempotentCall) -> tuple[str, ...]:
    return (call.store, call.tool, call.owner, call.key)


def wish(
    arguments: Struct | None = None, *, caller: Caller = GUEST, repeats: bool = False, tool: str = "add"
) -> IdempotentCall:
    made = idempotent_call(
        PICKLE, tool, arguments or Add(cart_id=CartId("c"), idempotency_key="k"), caller, repeats=repeats
    )
    assert made is not None
    return made


def answering(*values: Any) -> tuple[Callable[[], Awaitable[Any]], list[Any]]:
    """Something to run that answers or raises these in turn, and what it has done."""
    left, done = list(values), []

    async def run() -> Any:
        value = left.pop(0)
        done.append(value)
        if isinstance(value, BaseException):
            raise value
        return value

    return run, done


async def once(
    wanted: IdempotentCall, answers: IdempotencyRepository, run: Callable[[], Awaitable[Any]], **waiting: Any
) -> Any:
    """Run under a key, as the pipeline does."""
    if (replayed := await claim(wanted, answers, **waiting)) is not None:
        return replayed
    try:
        value = await run()
    except BaseException as error:
        await release(wanted, answers, error)
        raise
    await complete(wanted, answers, value)
    return value


async def test_the_first_answer_is_replayed_as_it_was_encoded() -> None:
    replays = MemoryReplays()
    run, done = answering({"lines": 1}, {"lines": 2})
    assert await once(wish(), replays, run) == {"lines": 1}
    again = await once(wish(), replays, run)
    assert isinstance(again, Raw)
    assert msgspec.json.encode(again) == b'{"lines":1}'
    assert len(done) == 1


async def test_other_arguments_under_the_same_key_are_refused_by_name() -> None:
    replays = MemoryReplays()
    run, done = answering("one", "two")
    await once(wish(), replays, run)
    with pytest.raises(KeyReused):
        await once(wish(Add(cart_id=CartId("c"), quantity=2, idempotency_key="k")), replays, run)
    assert done == ["one"]


async def test_a_default_that_is_spelt_out_is_the_same_wish() -> None:
    spelt = Add(cart_id=CartId("c"), sku=Sku("PAD-2"), quantity=1, idempotency_key="k")
    assert wish(spelt) == wish()


def test_a_key_counts_for_one_store_one_tool_and_one_caller() -> None:
    sent = Add(cart_id=CartId("c"), idempotency_key="k")
    other_store = idempotent_call(StoreId("brine"), "add", sent, GUEST, repeats=False)
    assert other_store is not None
    places = {at(wish()), at(other_store), at(wish(tool="remove")), at(wish(caller=AGENT))}
    assert len(places) == 4


def test_a_guests_key_counts_for_the_cart_and_never_without_one() -> None:
    mine = wish(Add(cart_id=CartId("mine"), idempotency_key="k"))
    yours = wish(Add(cart_id=CartId("yours"), idempotency_key="k"))
    assert mine.owner != yours.owner
    assert idempotent_call(PICKLE, "start", Start(idempotency_key="k"), GUEST, repeats=False) is None
    assert idempotent_call(PICKLE, "start", Start(idempotency_key="k"), AGENT, repeats=False) is not None


def test_without_a_key_nothing_is_kept() -> None:
    assert idempotent_call(PICKLE, "add", Add(cart_id=CartId("c")), AGENT, repeats=False) is None


@pytest.mark.parametrize("error", [OutOfStock("PAD-2"), ShopDown(), ShopBusy(), ArgumentsRefused("no")])
async def test_what_surely_did_not_happen_may_be_tried_again(error: Exception) -> None:
    replays = MemoryReplays()
    run, done = answering(error, "worked")
    with pytest.raises(type(error)):
        await once(wish(), replays, run)
    assert await once(wish(), replays, run) == "worked"
    assert len(done) == 2


@pytest.mark.parametrize("error", [ShopOutcomeUnknown(), KeyError("a fault of ours"), asyncio.CancelledError()])
async def test_what_may_have_happened_is_not_done_again(error: BaseException) -> None:
    replays = MemoryReplays()
    run, done = answering(error, "twice")
    with pytest.raises(type(error)):
        await once(wish(), replays, run)
    with pytest.raises(ShopOutcomeUnknown):
        await once(wish(), replays, run)
    assert len(done) == 1


async def test_what_is_the_same_when_done_twice_is_simply_done_again() -> None:
    replays = MemoryReplays()
    run, _ = answering(ShopOutcomeUnknown(), "worked")
    with pytest.raises(ShopOutcomeUnknown):
        await once(wish(repeats=True), replays, run)
    assert await once(wish(repeats=True), replays, run) == "worked"


async def test_a_second_call_waits_for_the_one_under_way() -> None:
    replays = MemoryReplays()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> str:
        begun.set()
        await go_on.wait()
        return "once"

    async def never() -> str:
        raise AssertionError("ran twice")

    first = asyncio.create_task(once(wish(), replays, slowly))
    await begun.wait()
    second = asyncio.create_task(once(wish(), replays, never))
    done, _ = await asyncio.wait({second}, timeout=0.05)
    assert not done
    go_on.set()
    assert await first == "once"
    assert msgspec.json.decode(await second) == "once"


async def test_whoever_waits_too_long_is_told_to_come_back() -> None:
    replays = MemoryReplays()
    await replays.claim(wish())
    now, pauses = 0.0, []

    async def pause(seconds: float) -> None:
        nonlocal now
        now += seconds
        pauses.append(seconds)

    run, done = answering()
    with pytest.raises(ShopBusy):
        await once(wish(), replays, run, clock=lambda: now, pause=pause)
    assert done == []
    assert 25 <= now < 26
    assert pauses[:3] == [0.02, 0.04, 0.08]
    assert max(pauses) == 0.5


@pytest.mark.parametrize("value", ["x" * MAX_ANSWER_BYTES, ContentBlocks((TextBlock("blocks"),))])
async def test_an_answer_that_cannot_be_kept_is_not_and_the_key_is_free(value: Any) -> None:
    replays = MemoryReplays()
    run, done = answering(value, value)
    await once(wish(), replays, run)
    await once(wish(), replays, run)
    assert len(done) == 2
    assert replays.rows == {}


class Shopping(RuleBasedStateMachine):
    """Any number of callers, keys, arguments and endings: a cart's line is added at most once under a key."""

    def __init__(self) -> None:
        super().__init__()
        self.replays = MemoryReplays()
        self.happened: dict[tuple[str, ...], int] = {}
        self.first: dict[tuple[str, ...], bytes] = {}

    @rule(
        cart=st.sampled_from("ab"),
        key=st.sampled_from("xy"),
        quantity=st.integers(1, 2),
        ending=st.sampled_from(["works", "refused", "unclear", "unclear but done", "breaks", "dies"]),
    )
    def call(self, cart: str, key: str, quantity: int, ending: str) -> None:
        asked = wish(Add(cart_id=CartId(cart), quantity=quantity, idempotency_key=key))

        async def run() -> str:
            if ending in {"works", "unclear but done", "dies"}:
                self.happened[at(asked)] = self.happened.get(at(asked), 0) + 1
                self.first[at(asked)] = asked.arguments
            match ending:
                case "refused":
                    raise OutOfStock("PAD-2")
                case "unclear" | "unclear but done":
                    raise ShopOutcomeUnknown
                case "breaks":
                    raise ValueError
                case "dies":
                    # The worker is gone: nobody writes down how it ended.
                    self.replays.lost.add(at(asked))
                    raise SystemExit
            return f"{cart}{quantity}"

        replays: Any = Dying(self.replays) if ending == "dies" else self.replays
        try:
            value = asyncio.run(once(asked, replays, run))
        except (ShopError, ValueError, SystemExit):
            return
        told = msgspec.json.decode(value) if isinstance(value, Raw) else value
        assert told == f"{cart}{quantity}"
        assert self.first[at(asked)] == asked.arguments

    @invariant()
    def nothing_happens_twice(self) -> None:
        assert all(times == 1 for times in self.happened.values())


class Dying:
    """Replays of a worker that ends in the middle of a call."""

    def __init__(self, replays: MemoryReplays) -> None:
        self.claim = replays.claim

    async def _nothing(self, *_: Any) -> None:
        """Too late."""

    store_answer = mark_unknown = release = _nothing


TestShopping = Shopping.TestCase
