"""The house rules: what passes, what is granted once, and what is on record whatever becomes of it."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.access.rate_limits import (
    DailyQuota,
    LimitExceeded,
    RateLimit,
    RateLimitRules,
    StoreRateLimits,
    secret_digest,
)
from storefront_mcp.calls.errors import ArgumentsRefused, CallFailed, RateLimited
from storefront_mcp.calls.pipeline import NO_REQUEST, ToolCall, run_call
from storefront_mcp.calls.policy import ENTRY_QUOTA, CallPolicy
from storefront_mcp.commerce.cart import CartHandle
from storefront_mcp.commerce.errors import CartNotFound, CheckoutNotFound, KeyReused, OutOfStock
from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.instrumentation import REQUEST_CONTEXT, RequestContext, RequestOrigin
from storefront_mcp.limits import MemoryRateLimiter
from storefront_mcp.records.audit import (
    AuditActor,
    AuditEntry,
    AuditUnavailable,
    ThrottledAuditSink,
    network,
    printable_line,
    unauthenticated_actor,
)
from storefront_mcp.tools.tool import Tool, tool
from tests.fakes.memory_backend import MemoryBackend, shop_on
from tests.unit.calls.test_idempotency import MemoryReplays
from tests.unit.mcp.environment import roadmap_of
from tests.unit.records.entries import entry

NOW = dt.datetime(2027, 2, 1, 9, tzinfo=dt.UTC)
AGENT = Caller(kind="key", principal="k1", client="the till")
SECRET = "hunter2"
UNFIT = b'{"cart_id":"c","note":["hunter2"]}'
"""Arguments that cannot be read."""


class Add(Struct, frozen=True, kw_only=True):
    """What to add."""

    cart_id: CartHandle
    note: str = ""


@tool(writes=True)
async def add(args: Add, shop: Shop) -> dict[str, int]:
    """Add."""
    return {}


class Order(Struct, frozen=True, kw_only=True):
    """What to order; sees to its key itself."""

    cart_id: CartHandle
    idempotency_key: str = ""


@tool(writes=True, limit="order")
async def order(args: Order, shop: Shop) -> dict[str, int]:
    """Order."""
    return {}


class Record:
    """A trail to look at."""

    def __init__(self) -> None:
        self.noted: list[AuditEntry] = []
        self.kept: list[AuditEntry] = []
        self.full = False
        self.broken = False

    def enqueue(self, entry: AuditEntry) -> None:
        self.noted.append(entry)

    async def wait_for_capacity(self) -> None:
        if self.full:
            raise AuditUnavailable

    async def write_durably(self, entry: AuditEntry) -> None:
        if self.broken:
            raise AuditUnavailable
        self.kept.append(entry)


VISIT = RequestOrigin(address="203.0.113.7", headers=((b"user-agent", b"Claude 1.0\r\n"),))


@pytest.fixture(autouse=True)
def in_a_request() -> Iterator[None]:
    """Every call of these tests is made for this request."""
    token = REQUEST_CONTEXT.set(RequestContext([(b"x-request-id", b"req-1")]))
    yield
    REQUEST_CONTEXT.reset(token)


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def call_policy(record: Record) -> CallPolicy:
    return furnished(record)


def furnished(record: Record, entries: DailyQuota = ENTRY_QUOTA, **narrow: RateLimit | None) -> CallPolicy:
    rules = replace(RateLimitRules(**dict.fromkeys(RateLimitRules.__struct_fields__, RateLimit(100, 1.0))), **narrow)
    limits = StoreRateLimits("pickle", rules, MemoryRateLimiter())
    return CallPolicy(
        StoreId("pickle"), limits=limits, answers=MemoryReplays(), audit_sink=record, now=lambda: NOW, entries=entries
    )


async def grant(
    policy: CallPolicy,
    arguments: Struct | bytes | None = None,
    *,
    answer: Any = "done",
    of: Tool = add,
    caller: Caller = GUEST,
    visit: RequestOrigin = VISIT,
    ran: list[Struct] | None = None,
) -> Any:
    """Call a tool that writes; bytes are arguments as an agent sent them."""

    async def run_(given: Struct, _shop: Shop) -> Any:
        if ran is not None:
            ran.append(given)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    tool = replace(of, run=run_)
    sent = arguments if isinstance(arguments, bytes) else msgspec.json.encode(arguments or of.arguments(cart_id=SECRET))
    call = ToolCall(
        tool=tool.name,
        arguments=Raw(sent),
        caller=caller,
        roadmap=roadmap_of([tool]),
        shop=shop_on(MemoryBackend()),
        policy=policy,
        origin=visit,
    )
    return await run_call(call)


async def test_a_call_is_on_record_with_who_what_where_and_how_it_ended(
    call_policy: CallPolicy, record: Record
) -> None:
    assert await grant(call_policy, add.arguments(cart_id=CartId(SECRET), note=SECRET), caller=AGENT) == "done"
    (noted,) = record.noted
    assert noted.at == "2027-02-01T09:00:00.000+00:00"
    assert (noted.source, noted.store, noted.what, noted.subject) == ("mcp", "pickle", "tool.called", "add")
    assert noted.who == AuditActor(kind="key", id="k1", label="the till", client="Claude 1.0")
    assert (noted.outcome, noted.request) == ("ok", "req-1")
    assert isinstance(noted.milliseconds, float)
    assert noted.arguments == {"cart_id": secret_digest(SECRET), "note": "left out"}
    assert SECRET not in str(record.noted)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(OutOfStock("PAD-2"), "out_of_stock"), (KeyError(SECRET), "internal_error"), (SystemExit(), "cancelled")],
)
async def test_what_failed_is_on_record_by_the_name_of_its_error(
    call_policy: CallPolicy, record: Record, answer: BaseException, outcome: str
) -> None:
    with pytest.raises((type(answer), CallFailed)):
        await grant(call_policy, answer=answer)
    assert [noted.outcome for noted in record.noted] == [outcome]
    assert SECRET not in str(record.noted)


async def test_arguments_that_do_not_fit_are_on_record_without_them(call_policy: CallPolicy, record: Record) -> None:
    with pytest.raises(ArgumentsRefused):
        await grant(call_policy, UNFIT)
    (noted,) = record.noted
    assert (noted.outcome, noted.arguments) == ("invalid_arguments", UNSET)
    assert SECRET not in str(noted)


async def test_calls_that_come_to_nothing_do_not_fill_the_record(record: Record) -> None:
    policy = furnished(record, guest=None, cart=None)
    for _ in range(50):
        for nothing in (ArgumentsRefused("note: no"), CartNotFound(), CheckoutNotFound()):
            with pytest.raises(type(nothing)):
                await grant(policy, UNFIT if isinstance(nothing, ArgumentsRefused) else None, answer=nothing)
        with pytest.raises(OutOfStock):
            await grant(policy, answer=OutOfStock("PAD-2"))
        policy.audit_forbidden(add, AGENT, VISIT)
    outcomes = [noted.outcome for noted in record.noted]
    assert outcomes.count("out_of_stock") == 50, "what met the shop is on record each time"
    assert sorted(set(outcomes) - {"out_of_stock"}) == ["insufficient_scope", "invalid_arguments"]
    assert len(outcomes) == 52


async def test_what_hides_among_made_up_calls_is_on_record(record: Record) -> None:
    policy = furnished(record, cart=None)
    for number in range(400):
        with pytest.raises(CartNotFound):
            await grant(policy, answer=CartNotFound(), caller=replace(AGENT, principal=f"k{number}"))
    policy.audit_rejected_credential(VISIT, "invalid_token")
    assert len(record.noted) == 121
    assert record.noted[-1].what == "credential.refused"


async def test_arguments_that_cannot_be_read_are_counted_like_any_call(record: Record) -> None:
    policy = furnished(record, guest=RateLimit(2, 60.0))
    for _ in range(2):
        with pytest.raises(ArgumentsRefused):
            await grant(policy, UNFIT)
    with pytest.raises(RateLimited):
        await grant(policy, UNFIT)


async def test_a_guest_is_nobody_in_the_record(call_policy: CallPolicy, record: Record) -> None:
    await grant(call_policy)
    assert record.noted[0].who == AuditActor(kind="guest", client="Claude 1.0")
    assert "203.0.113" not in str(record.noted)


@pytest.mark.parametrize("sent", ["", "x" * 65, "two words", "a\nb", "ä"])
async def test_a_request_without_a_decent_id_is_given_one(call_policy: CallPolicy, record: Record, sent: str) -> None:
    REQUEST_CONTEXT.set(RequestContext([(b"x-request-id", sent.encode("latin-1"))]))
    await grant(call_policy)
    (noted,) = record.noted
    assert isinstance(noted.request, str)
    assert len(noted.request) == 16
    assert noted.request != sent


async def test_a_key_grants_a_wish_once(call_policy: CallPolicy, record: Record) -> None:
    ran: list[Struct] = []
    wish = add.arguments(cart_id=CartId("c"), idempotency_key="k")
    assert await grant(call_policy, wish, ran=ran) == "done"
    assert await grant(call_policy, wish, ran=ran) == Raw(b'"done"')
    with pytest.raises(KeyReused):
        await grant(call_policy, add.arguments(cart_id=CartId("c"), note="other", idempotency_key="k"), ran=ran)
    assert len(ran) == 1
    assert [noted.outcome for noted in record.noted] == ["ok", "ok", "idempotency_key_reused"]


async def test_a_tool_that_sees_to_its_key_itself_runs_each_time_and_is_on_disk_before_it_is_told(
    call_policy: CallPolicy, record: Record
) -> None:
    ran: list[Struct] = []
    for _ in range(2):
        await grant(call_policy, order.arguments(cart_id=CartId("c"), idempotency_key="k"), of=order, ran=ran)
    assert len(ran) == 2
    assert (record.noted, len(record.kept)) == ([], 2)
    record.broken = True
    with pytest.raises(CallFailed):
        await grant(call_policy, of=order)


async def test_without_room_for_an_entry_nothing_is_done(call_policy: CallPolicy, record: Record) -> None:
    record.full = True
    ran: list[Struct] = []
    with pytest.raises(CallFailed):
        await grant(call_policy, ran=ran)
    assert ran == []


async def test_one_call_too_many_is_refused_and_on_record_once(record: Record) -> None:
    policy = furnished(record, guest=RateLimit(1, 60.0))
    await grant(policy)
    ran: list[Struct] = []
    for _ in range(5):
        with pytest.raises(RateLimited, match=r"Too many calls\. Try again in \d+ seconds\. Nothing was changed\."):
            await grant(policy, ran=ran)
    assert ran == []
    assert [(noted.what, noted.subject) for noted in record.noted] == [("tool.called", "add"), ("limit.hit", "guest")]
    assert record.noted[1].who == AuditActor(kind="stranger", client="Claude 1.0", network="203.0.113.0/24")


async def test_a_known_caller_who_calls_too_often_is_named(record: Record) -> None:
    policy = furnished(record, principal=RateLimit(1, 60.0))
    await grant(policy, caller=AGENT)
    with pytest.raises(RateLimited) as refused:
        await grant(policy, caller=AGENT)
    assert refused.value.exceeded.rule == "principal"
    assert [(entry.what, entry.who.id) for entry in record.noted] == [("tool.called", "k1"), ("limit.hit", "k1")]


async def test_refused_credentials_are_on_record_without_what_was_sent(call_policy: CallPolicy, record: Record) -> None:
    call_policy.audit_rejected_credential(VISIT, "invalid_token")
    (noted,) = record.noted
    assert (noted.what, noted.outcome, noted.who.network) == (
        "credential.refused",
        "invalid_token",
        "203.0.113.0/24",
    )


async def test_a_call_without_a_request_is_on_record_too(call_policy: CallPolicy, record: Record) -> None:
    await grant(call_policy, visit=NO_REQUEST)
    assert record.noted[0].who == AuditActor(kind="guest")


def test_what_strangers_cause_by_the_thousand_is_written_sparingly_and_the_rest_is_counted() -> None:
    now = 0.0
    record = Record()
    seldom = ThrottledAuditSink(record, clock=lambda: now, a_minute=5)
    for number in range(10_000):
        seldom.enqueue(entry(what="limit.hit", who=unauthenticated_actor(f"203.{number >> 8 & 255}.{number & 255}.1")))
    assert len(record.noted) == 5
    now = 61.0
    seldom.enqueue(entry(what="limit.hit", who=unauthenticated_actor("203.0.0.1")))
    assert record.noted[-1].details == {"number": 0, "unwritten_before": 9_995}
    seldom.enqueue(entry(what="limit.hit", who=unauthenticated_actor("203.0.1.1")))
    assert record.noted[-1].details == {"number": 0}
    assert len(seldom._recent) <= 1_024


def test_what_is_remembered_as_written_is_bounded() -> None:
    seldom = ThrottledAuditSink(Record(), clock=lambda: 0.0, a_minute=10_000)
    for number in range(5_000):
        seldom.enqueue(entry(subject=str(number)))
    assert len(seldom._recent) == 1_024


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8::/64", "2001:db8:0::/48"),
        ("unidentified", "unidentified"),
        ("", ""),
    ],
)
def test_a_neighbourhood_is_told_and_not_an_address(address: str, told: str) -> None:
    assert network(address) == told


def test_a_strangers_text_is_one_short_printable_line() -> None:
    assert printable_line("a\r\n\x1b[31mb" + "x" * 500) == ("a[31mb" + "x" * 500)[: 120 - 3]


@pytest.mark.parametrize("rule", ["coupons", "coupon", "carts", "orders", "cart", "guest"])
def test_a_refusal_says_what_was_too_much(rule: Any) -> None:
    said = str(RateLimited(LimitExceeded(rule=rule, rate=RateLimit(1, 1.0), wait=2.5)))
    assert "Try again in 3 seconds." in said


async def test_a_guest_s_calls_beyond_the_day_s_budget_are_counted_and_orders_never_folded(record: Record) -> None:
    policy = furnished(record, entries=DailyQuota(per_holder=2, in_all=100))
    request = REQUEST_CONTEXT.get()
    assert request is not None
    request.holder = VISIT.address
    for _ in range(5):
        await grant(policy)
    for _ in range(3):
        await grant(policy, of=order)
    await grant(policy, caller=AGENT)
    assert (len(record.noted), len(record.kept)) == (2 + 1, 3)
    policy.flush_audit()
    assert record.noted[-1].details == {"folded": 3, "since": record.noted[0].at}
    assert record.noted[-1].outcome == "ok"
