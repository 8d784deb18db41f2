"""Payment pages are opened by who was given their address, and by nobody who has only the database."""

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from storefront_mcp.checkout.agent import CROWDED_REASON
from storefront_mcp.checkout.context import pay_key
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.database.checkouts import SqlCheckoutRepository
from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables import METADATA
from tests.unit.checkout.environment import DRAFT, HANDLE, STORE, CheckoutEnvironment


def worker(database: Database) -> CheckoutEnvironment:
    """A process with this database."""
    environment = CheckoutEnvironment()
    records, secret = SqlCheckoutRepository(database), database.shared_secret("checkouts")
    environment.context = replace(environment.context, records=records, secret=secret)
    environment.start()
    return environment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kept = tmp_path / "kept"
    kept.mkdir()
    return kept


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    opened = Database(folder / "storefront.db")
    yield opened
    opened.close()


def cells(database: Database) -> Iterator[str]:
    """Everything that the tables hold, as text."""
    with database.reading() as connection:
        for table in METADATA.sorted_tables:
            for row in connection.execute(select(table)):
                for cell in row:
                    yield cell.hex() if isinstance(cell, bytes) else str(cell)
                    if isinstance(cell, bytes):
                        yield from cell.decode("utf-8", "ignore").replace(",", '"').split('"')


async def test_no_pay_link_can_be_built_from_a_copy_of_the_database(
    database: Database, folder: Path, tmp_path: Path
) -> None:
    environment = worker(database)
    shown = await environment.agent.place(HANDLE, DRAFT, key="order-1", dry_run=False)
    assert shown.checkout_id is not None
    assert shown.continue_url is not None
    id_, secret = shown.checkout_id.split(".")
    token = shown.continue_url.rpartition("/")[2]
    assert await environment.buyer.page(token) is not None

    shutil.copytree(folder, tmp_path / "copy")
    content = b"".join(path.read_bytes() for path in (tmp_path / "copy").iterdir())
    for hidden in (token, secret, HANDLE):
        assert hidden.encode() not in content
    copied = Database(tmp_path / "copy" / "storefront.db")
    thief = worker(copied)
    found = await thief.context.records.find(STORE.id, id_)
    assert found is not None
    for guess in {"", *cells(copied)}:
        assert thief.context.known_token(found, guess) is None
        assert pay_key(guess) != found.pay_key
    assert (await thief.agent.status(id_)).continue_url is None
    assert thief.context.known_token(found, secret) == token, "the secret part is what is missing"
    copied.close()


async def test_every_worker_and_every_repetition_tells_the_same_link(database: Database) -> None:
    one, other = worker(database), worker(database)
    shown = await one.agent.place(HANDLE, DRAFT, key="order-1", dry_run=False)
    assert shown.checkout_id is not None
    assert len(shown.checkout_id) <= 64
    for again in (
        await other.agent.place(HANDLE, DRAFT, key="order-1", dry_run=False),
        await other.agent.place(HANDLE, DRAFT, key=None, dry_run=False),
        await other.agent.status(shown.checkout_id),
    ):
        assert (again.checkout_id, again.continue_url) == (shown.checkout_id, shown.continue_url)


async def test_half_an_id_tells_where_it_stands_and_how_to_get_the_link(database: Database) -> None:
    environment = worker(database)
    shown = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False)
    id_ = (shown.checkout_id or "").partition(".")[0]
    for half in (id_, f"{id_}.wrong"):
        told = await environment.agent.status(half)
        assert (told.checkout_id, told.status, told.continue_url) == (id_, "requires_escalation", None)
        assert "send the whole checkout_id" in told.next_step
    assert (await environment.agent.cancel(id_)).status == "canceled"


async def test_links_of_checkouts_from_before_the_update_go_on_working(database: Database) -> None:
    environment = worker(database)
    await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False)
    context = environment.context
    found = await context.records.find_by_cart(STORE.id, context.cart_digest(HANDLE))
    assert found is not None
    former = base64.urlsafe_b64encode(context._mac(b"pay", found.id.encode())[:24]).decode()
    leased = await context.records.lease(found.id, now=environment.clock(), seconds=1)
    assert leased is not None
    await context.records.write(replace(leased, pay_key=pay_key(former)), release=True)
    assert await environment.buyer.page(former) is not None
    for shown in (
        await environment.agent.status(found.id),
        await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False),
    ):
        assert shown.continue_url == context.pay_url(former)


async def test_open_checkouts_that_are_too_many_are_closed_unless_they_are_being_paid() -> None:
    environment = CheckoutEnvironment()
    first = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False)
    oldest = (first.checkout_id or "").partition(".")[0]
    environment.records.crowded = (oldest,)
    another = CartId("cart_another")
    environment.carts[another] = environment.carts[HANDLE]
    await environment.agent.place(another, DRAFT, key=None, dry_run=False)
    closed = environment.records.checkouts[oldest]
    assert (closed.state, closed.reason) == ("canceled", CROWDED_REASON)
