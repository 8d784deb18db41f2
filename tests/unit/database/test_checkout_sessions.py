"""Checkout sessions are kept alike in memory, in a file and on a server: one of a cart, for one worker at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace
from sqlalchemy import select

from storefront_mcp.checkout_sessions.record import (
    NO_DETAILS,
    CheckoutSession,
    CheckoutSessionRepository,
    SessionAddress,
    SessionBuyer,
    SessionDetails,
    SessionLeaseLost,
    SessionProblem,
)
from storefront_mcp.commerce.cart import Cart, CartLine, CartTotals
from storefront_mcp.commerce.ids import CartId, LineId, Sku, StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.shipping import ShippingMethod
from storefront_mcp.database import Database, FieldEncryption
from storefront_mcp.database.checkout_sessions import MAX_SNAPSHOT_BYTES, TOLD_SECONDS, SqlCheckoutSessionRepository
from storefront_mcp.database.row_quota import OWN_INTERVAL_WRITES, RowQuota
from storefront_mcp.database.tables.checkout_sessions import CHECKOUT_SESSIONS
from storefront_mcp.instrumentation import REQUEST_CONTEXT, RequestContext
from tests.fakes.memory_sessions import MemorySessions

STORE, CART = StoreId("pickle"), CartId("cart_abc")
AUD = Money(1000, "AUD")
LINE = CartLine(line_id=LineId("1"), sku=Sku("DILL"), name="Dill", quantity=1, price=AUD, total=AUD)
NOTHING = CheckoutSession(store=STORE, cart=CART, protocol="ucp", version="2026-08-25", expires_at=2_000.0)
WHOLE = replace(
    NOTHING,
    number=3,
    platform="https://platform.example/agent.json",
    option="post",
    codes=("TEN", "OLD"),
    methods=(ShippingMethod("post", "Post", AUD),),
    problems=(SessionProblem(code="invalid_coupon", field="codes[1]", text="No.", kind="warning"),),
    checkout="chk_1",
    attempt=2,
    goods="digest",
    snapshot=Cart(cart_id=CartId(""), lines=(LINE,), totals=CartTotals(subtotal=AUD, total=AUD)),
    details=SessionDetails(
        buyer=SessionBuyer(email="ada@example.com", first_name="Ada"),
        destination=SessionAddress(street="1 Brine St", country="AU"),
        checkout_id="chk_1.secret",
    ),
)
KEY = Fernet.generate_key().decode()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CheckoutSessionRepository]:
    if request.param == "memory":
        yield MemorySessions()
        return
    database = Database(
        tmp_path / "storefront.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres")()
    )
    yield SqlCheckoutSessionRepository(database, encryption=FieldEncryption([KEY]))
    database.close()


async def test_a_cart_has_one_session(records: CheckoutSessionRepository) -> None:
    assert await records.find(STORE, CART) is None
    assert await records.lease(STORE, CART, now=0.0, seconds=60.0) is None
    await records.insert(WHOLE)
    await records.insert(NOTHING)

    assert await records.find(STORE, CART) == WHOLE
    assert await records.find(StoreId("other"), CART) is None
    assert await records.find(STORE, CartId("cart_abd")) is None


async def test_one_worker_at_a_time_holds_a_session(records: CheckoutSessionRepository) -> None:
    await records.insert(NOTHING)
    held = await records.lease(STORE, CART, now=100.0, seconds=60.0)
    assert held == replace(NOTHING, fence=1, lease_until=160.0)
    assert await records.lease(STORE, CART, now=159.0, seconds=60.0) is None

    await records.write(replace(held, option="post"), release=True)
    found = await records.find(STORE, CART)
    assert found is not None
    assert (found.option, found.lease_until) == ("post", 0.0)
    assert await records.lease(STORE, CART, now=101.0, seconds=60.0) is not None


async def test_who_was_too_slow_writes_nothing(records: CheckoutSessionRepository) -> None:
    await records.insert(NOTHING)
    slow = await records.lease(STORE, CART, now=100.0, seconds=60.0)
    quick = await records.lease(STORE, CART, now=160.0, seconds=60.0)
    assert slow is not None
    assert quick is not None

    with pytest.raises(SessionLeaseLost):
        await records.write(replace(slow, option="slow"), release=True)
    await records.write(replace(quick, option="quick"))
    found = await records.find(STORE, CART)
    assert found == replace(quick, option="quick")


async def test_what_is_known_of_the_buyer_goes_when_the_session_expires(records: CheckoutSessionRepository) -> None:
    await records.insert(WHOLE)
    assert await records.erase(now=1_999.0) == 0
    held = await records.lease(STORE, CART, now=1_999.0, seconds=60.0)
    assert held is not None
    assert await records.erase(now=2_000.0) == 0, "somebody is working on it"
    assert await records.erase(now=2_060.0) == 1
    assert await records.erase(now=2_061.0) == 0

    found = await records.find(STORE, CART)
    assert found is not None
    assert found.details == NO_DETAILS
    assert found.snapshot == WHOLE.snapshot
    with pytest.raises(SessionLeaseLost):
        await records.write(held)


async def test_a_row_goes_when_nobody_can_ask_for_it(database: Database) -> None:
    records = SqlCheckoutSessionRepository(database)
    await records.insert(WHOLE)
    await records.erase(now=2_000.0 + TOLD_SECONDS - 1)
    assert await records.find(STORE, CART) is not None
    await records.erase(now=2_000.0 + TOLD_SECONDS)
    assert await records.find(STORE, CART) is None


async def test_the_database_holds_neither_the_handle_nor_the_buyer_in_clear(database: Database) -> None:
    records = SqlCheckoutSessionRepository(database, encryption=FieldEncryption([KEY]))
    await records.insert(WHOLE)
    with database.reading() as connection:
        row = connection.execute(select(CHECKOUT_SESSIONS)).one()
    stored = b"".join(value for value in row if isinstance(value, bytes))
    for secret in (b"cart_abc", b"ada@example.com", b"Brine", b"Ada", b"secret"):
        assert secret not in stored


async def test_a_lost_key_loses_the_details_and_nothing_else(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await SqlCheckoutSessionRepository(database, encryption=FieldEncryption([KEY])).insert(WHOLE)
    other = FieldEncryption([Fernet.generate_key().decode()])
    for records in (SqlCheckoutSessionRepository(database), SqlCheckoutSessionRepository(database, encryption=other)):
        assert await records.find(STORE, CART) == replace(WHOLE, details=NO_DETAILS)
    assert "personal_data.key is not set" in caplog.text
    assert "no key in personal_data.key opens" in caplog.text


async def test_data_from_before_there_was_a_key_is_read(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    await SqlCheckoutSessionRepository(database).insert(WHOLE)
    keyed = SqlCheckoutSessionRepository(database, encryption=FieldEncryption([KEY]))
    assert await keyed.find(STORE, CART) == WHOLE
    with database.writing() as connection:
        connection.execute(CHECKOUT_SESSIONS.update().values(personal=b'{"buyer": 7}'))
    assert await keyed.find(STORE, CART) == replace(WHOLE, details=NO_DETAILS)
    assert "a shape that is not known" in caplog.text


async def test_a_cart_that_is_huge_is_kept_in_part(database: Database) -> None:
    records = SqlCheckoutSessionRepository(database)
    snapshot = WHOLE.snapshot
    assert snapshot is not None
    lines = (replace(LINE, name="Dill" * 1000),) * (MAX_SNAPSHOT_BYTES // 2000)
    await records.insert(replace(WHOLE, snapshot=replace(snapshot, lines=lines)))
    found = await records.find(STORE, CART)
    assert found is not None
    assert found.snapshot is not None
    assert 0 < len(found.snapshot.lines) < len(lines)


async def test_one_client_fills_its_own_room_only(opened: Callable[[], Database]) -> None:
    database = opened()
    records = SqlCheckoutSessionRepository(database, quota=RowQuota(per_holder=10, in_all=1_000))
    await records.insert(replace(NOTHING, cart=CartId("cart_neighbour")))
    token = REQUEST_CONTEXT.set(RequestContext(holder="192.0.2.1"))
    try:
        for number in range(3 * OWN_INTERVAL_WRITES):
            await records.insert(replace(NOTHING, cart=CartId(f"cart_{number}"), expires_at=3_000.0 + number))
    finally:
        REQUEST_CONTEXT.reset(token)
    with database.reading() as connection:
        held = len(connection.execute(select(CHECKOUT_SESSIONS.c.key)).all())
    assert held <= 10 + OWN_INTERVAL_WRITES + 1
    assert await records.find(STORE, CartId("cart_neighbour")) is not None
