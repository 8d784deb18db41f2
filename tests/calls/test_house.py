"""The house rules: what passes, what is granted once, and what is on record whatever becomes of it."""

import datetime as dt
from typing import Any

import pytest
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from storefront_mcp.calls.audit import AuditStalled, Entry, Silence, Sparingly, Who, cleaned, network, stranger
from storefront_mcp.calls.caller import GUEST, Caller
from storefront_mcp.calls.errors import ArgumentsRefused, CallFailed, TooOften
from storefront_mcp.calls.house import UNSEEN, House
from storefront_mcp.calls.limits import Limits, Rate, Refusal, Rules, digest
from storefront_mcp.commerce.cart import CartHandle
from storefront_mcp.commerce.errors import CartNotFound, CheckoutNotFound, KeyReused, OutOfStock
from storefront_mcp.commerce.names import CartId, StoreId
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.limits import MemoryBuckets
from storefront_mcp.roadmap.tool import Tool, tool
from tests.audit.entries import entry
from tests.calls.test_idempotency import MemoryReplays

NOW = dt.datetime(2027, 2, 1, 9, tzinfo=dt.UTC)
AGENT = Caller(kind="key", principal="k1", client="the till")
SECRET = "hunter2"


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
        self.noted: list[Entry] = []
        self.kept: list[Entry] = []
        self.full = False
        self.broken = False

    def note(self, entry: Entry) -> None:
        self.noted.append(entry)

    async def room(self) -> None:
        if self.full:
            raise AuditStalled

    async def keep(self, entry: Entry) -> None:
        if self.broken:
            raise AuditStalled
        self.kept.append(entry)


class Visit:
    """A request."""

    def __init__(self, address: str = "203.0.113.7", request: str = "req-1") -> None:
        self.address = address
        self._request = request

    def client(self) -> str:
        return "Claude 1.0\r\n"

    def request_id(self) -> str:
        return self._request


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def house(record: Record) -> House:
    return furnished(record)


def furnished(record: Record, **narrow: Rate | None) -> House:
    rules = replace(Rules(**dict.fromkeys(Rules.__struct_fields__, Rate(100, 1.0))), **narrow)
    limits = Limits("pickle", rules, MemoryBuckets())
    return House(StoreId("pickle"), limits=limits, replays=MemoryReplays(), trail=record, now=lambda: NOW)


async def grant(
    house: House,
    arguments: Struct | Exception | None = None,
    *,
    answer: Any = "done",
    of: Tool = add,
    caller: Caller = GUEST,
    visit: Any = None,
    ran: list[Struct] | None = None,
) -> Any:
    def read() -> Struct:
        if isinstance(arguments, Exception):
            raise arguments
        return arguments or of.arguments(cart_id=CartId(SECRET))

    async def run(given: Struct) -> Any:
        if ran is not None:
            ran.append(given)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return await house.grants(of, read, run, caller, visit or Visit())


async def test_a_call_is_on_record_with_who_what_where_and_how_it_ended(house: House, record: Record) -> None:
    assert await grant(house, add.arguments(cart_id=CartId(SECRET), note=SECRET), caller=AGENT) == "done"
    (noted,) = record.noted
    assert noted.at == "2027-02-01T09:00:00.000+00:00"
    assert (noted.source, noted.store, noted.what, noted.subject) == ("mcp", "pickle", "tool.called", "add")
    assert noted.who == Who(kind="key", id="k1", label="the till", client="Claude 1.0")
    assert (noted.outcome, noted.request) == ("ok", "req-1")
    assert isinstance(noted.milliseconds, float)
    assert noted.arguments == {"cart_id": digest(SECRET), "note": "left out"}
    assert SECRET not in str(record.noted)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(OutOfStock("PAD-2"), "OutOfStock"), (KeyError(SECRET), "KeyError"), (SystemExit(), "SystemExit")],
)
async def test_what_failed_is_on_record_by_the_name_of_its_error(
    house: House, record: Record, answer: BaseException, outcome: str
) -> None:
    with pytest.raises(type(answer)):
        await grant(house, answer=answer)
    assert [noted.outcome for noted in record.noted] == [outcome]
    assert SECRET not in str(record.noted)


async def test_arguments_that_do_not_fit_are_on_record_without_them(house: House, record: Record) -> None:
    with pytest.raises(ArgumentsRefused):
        await grant(house, ArgumentsRefused(f"note: got {SECRET}"))
    (noted,) = record.noted
    assert (noted.outcome, noted.arguments) == ("ArgumentsRefused", UNSET)
    assert SECRET not in str(noted)


async def test_calls_that_come_to_nothing_do_not_fill_the_record(record: Record) -> None:
    house = furnished(record, guest=None, cart=None)
    for number in range(50):
        for nothing in (ArgumentsRefused("note: no"), CartNotFound(), CheckoutNotFound()):
            with pytest.raises(type(nothing)):
                await grant(house, nothing if isinstance(nothing, ArgumentsRefused) else None, answer=nothing)
        with pytest.raises(OutOfStock):
            await grant(house, answer=OutOfStock("PAD-2"))
        house.was_forbidden(add, AGENT, Visit(request=f"r-{number}"))
    outcomes = [noted.outcome for noted in record.noted]
    assert outcomes.count("OutOfStock") == 50, "what met the shop is on record each time"
    assert sorted(set(outcomes) - {"OutOfStock"}) == ["ArgumentsRefused", "ScopeMissing"]
    assert len(outcomes) == 52


async def test_what_hides_among_made_up_calls_is_on_record(record: Record) -> None:
    house = furnished(record, cart=None)
    for number in range(400):
        with pytest.raises(CartNotFound):
            await grant(house, answer=CartNotFound(), caller=replace(AGENT, principal=f"k{number}"))
    house.refused_credential(Visit(), "CredentialRefused")
    assert len(record.noted) == 121
    assert record.noted[-1].what == "credential.refused"


async def test_arguments_that_cannot_be_read_are_counted_like_any_call(record: Record) -> None:
    house = furnished(record, guest=Rate(2, 60.0))
    for _ in range(2):
        with pytest.raises(ArgumentsRefused):
            await grant(house, ArgumentsRefused("note: no"))
    with pytest.raises(TooOften):
        await grant(house, ArgumentsRefused("note: no"))


async def test_a_guest_is_nobody_in_the_record(house: House, record: Record) -> None:
    await grant(house)
    assert record.noted[0].who == Who(kind="guest", client="Claude 1.0")
    assert "203.0.113" not in str(record.noted)


@pytest.mark.parametrize("sent", ["", "x" * 65, "two words", "a\nb", "ä"])
async def test_a_request_without_a_decent_id_is_given_one(house: House, record: Record, sent: str) -> None:
    await grant(house, visit=Visit(request=sent))
    (noted,) = record.noted
    assert isinstance(noted.request, str)
    assert len(noted.request) == 16
    assert noted.request != sent


async def test_a_key_grants_a_wish_once(house: House, record: Record) -> None:
    ran: list[Struct] = []
    wish = add.arguments(cart_id=CartId("c"), idempotency_key="k")
    assert await grant(house, wish, ran=ran) == "done"
    assert await grant(house, wish, ran=ran) == Raw(b'"done"')
    with pytest.raises(KeyReused):
        await grant(house, add.arguments(cart_id=CartId("c"), note="other", idempotency_key="k"), ran=ran)
    assert len(ran) == 1
    assert [noted.outcome for noted in record.noted] == ["ok", "ok", "KeyReused"]


async def test_a_tool_that_sees_to_its_key_itself_runs_each_time_and_is_on_disk_before_it_is_told(
    house: House, record: Record
) -> None:
    ran: list[Struct] = []
    for _ in range(2):
        await grant(house, order.arguments(cart_id=CartId("c"), idempotency_key="k"), of=order, ran=ran)
    assert len(ran) == 2
    assert (record.noted, len(record.kept)) == ([], 2)
    record.broken = True
    with pytest.raises(CallFailed):
        await grant(house, of=order)


async def test_without_room_for_an_entry_nothing_is_done(house: House, record: Record) -> None:
    record.full = True
    ran: list[Struct] = []
    with pytest.raises(CallFailed):
        await grant(house, ran=ran)
    assert ran == []


async def test_one_call_too_many_is_refused_and_on_record_once(record: Record) -> None:
    house = furnished(record, guest=Rate(1, 60.0))
    await grant(house)
    ran: list[Struct] = []
    for _ in range(5):
        with pytest.raises(TooOften, match=r"Too many calls\. Try again in \d+ seconds\. Nothing was changed\."):
            await grant(house, ran=ran)
    assert ran == []
    assert [(noted.what, noted.subject) for noted in record.noted] == [("tool.called", "add"), ("limit.hit", "guest")]
    assert record.noted[1].who == Who(kind="stranger", client="Claude 1.0", network="203.0.113.0/24")


async def test_a_known_caller_who_calls_too_often_is_named(record: Record) -> None:
    house = furnished(record, principal=Rate(1, 60.0))
    await house.admits(add, add.arguments(cart_id=CartId("c")), AGENT, Visit())
    with pytest.raises(TooOften) as refused:
        await house.admits(add, add.arguments(cart_id=CartId("c")), AGENT, Visit())
    assert refused.value.refusal.rule == "principal"
    assert record.noted[0].who.id == "k1"


async def test_refused_credentials_are_on_record_without_what_was_sent(house: House, record: Record) -> None:
    house.refused_credential(Visit(), "CredentialRefused")
    (noted,) = record.noted
    assert (noted.what, noted.outcome, noted.who.network) == (
        "credential.refused",
        "CredentialRefused",
        "203.0.113.0/24",
    )


async def test_a_call_without_a_request_is_on_record_too(house: House, record: Record) -> None:
    await grant(house, visit=UNSEEN)
    assert record.noted[0].who == Who(kind="guest")


async def test_silence_keeps_nothing() -> None:
    silence = Silence()
    await silence.room()
    silence.note(entry())
    await silence.keep(entry())
    assert vars(silence) == {}


def test_what_strangers_cause_by_the_thousand_is_written_sparingly_and_the_rest_is_counted() -> None:
    now = 0.0
    record = Record()
    seldom = Sparingly(record, clock=lambda: now, a_minute=5)
    for number in range(10_000):
        seldom.note(entry(what="limit.hit", who=stranger(f"203.{number >> 8 & 255}.{number & 255}.1")))
    assert len(record.noted) == 5
    now = 61.0
    seldom.note(entry(what="limit.hit", who=stranger("203.0.0.1")))
    assert record.noted[-1].details == {"number": 0, "unwritten_before": 9_995}
    seldom.note(entry(what="limit.hit", who=stranger("203.0.1.1")))
    assert record.noted[-1].details == {"number": 0}
    assert len(seldom._last) <= 1_024


def test_what_is_remembered_as_written_is_bounded() -> None:
    seldom = Sparingly(Record(), clock=lambda: 0.0, a_minute=10_000)
    for number in range(5_000):
        seldom.note(entry(subject=str(number)))
    assert len(seldom._last) == 1_024


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
    assert cleaned("a\r\n\x1b[31mb" + "x" * 500) == ("a[31mb" + "x" * 500)[: 120 - 3]


@pytest.mark.parametrize("rule", ["coupons", "coupon", "carts", "orders", "cart", "guest"])
def test_a_refusal_says_what_was_too_much(rule: Any) -> None:
    said = str(TooOften(Refusal(rule=rule, rate=Rate(1, 1.0), wait=2.5)))
    assert "Try again in 3 seconds." in said
