"""A customer's account through the port, over the demo shop and over answers that are as Maho's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import respx
from msgspec.structs import replace

from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.backends.maho.account import MahoAccount
from storefront_mcp.commerce.account_errors import CustomerCartInUse, OrderNotCancellable, OrderNotFound
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.customers import SessionOver, ShopSession
from storefront_mcp.commerce.errors import OrderRefused, ShopDown, ShopOutcomeUnknown
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import OrderDraft, OrderSettlement
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.demo.fulfilment import comment_order, ship_order
from tests.contract.conftest import ld, members, refused
from tests.fakes.demo_faults import FaultQueue
from tests.fakes.demo_shop import ControlledShop, demo_shop

ADA, BO, _ = PICKLERS
HOME = PostalAddress(
    first_name="Ada",
    last_name="Brine",
    street="1 Queen Street\nLevel 3",
    city="Brisbane",
    region="Queensland",
    postcode="4000",
    country="AU",
    phone="+61 7 5550 1234",
)
DRAFT = OrderDraft(email=ADA.email, shipping_address=HOME, billing_address=HOME, shipping_method="auspost_parcel")
LATER = OrderSettlement(method="checkmo", reference="chk_1")


class SignedInShop:
    """The demo shop, its adapter, and the accounts of two customers."""

    def __init__(self, shop: ControlledShop, backend: MahoBackend, ada: ShopSession, bo: ShopSession) -> None:
        self.shop, self.backend = shop, backend
        self.session = ada
        self.ada, self.bo = backend.account(ada), backend.account(bo)

    async def cart(self, sku: str = "JAR-DILL", quantity: int = 2, **options: str) -> CartId:
        cart = await self.backend.create_cart()
        return (await self.backend.add_line(cart.cart_id, Sku(sku), quantity, options)).cart_id

    async def order(self, cart: CartId, *, account: MahoAccount | None = None, reference: str = "chk_1") -> str:
        priced = await self.backend.quote_order(cart, DRAFT)
        settlement = replace(LATER, reference=reference)
        placed = await (account or self.ada).place_order(cart, DRAFT, settlement, priced.totals.total)
        assert placed.total == priced.totals.total
        assert placed.number
        return placed.number


@asynccontextmanager
async def signed_in_shop(faults: FaultQueue | None = None, **config: Any) -> AsyncIterator[SignedInShop]:
    shop = demo_shop(faults=faults)
    backend, close = connect(
        MahoConfig(url="http://shop.test", prices_include_tax=True, **config),
        "AUD",
        transport=httpx.ASGITransport(shop),
    )
    ada = await backend.login.sign_in(ADA.email, ADA.password)
    bo = await backend.login.sign_in(BO.email, BO.password, code=BO.second_factor)
    assert isinstance(ada, ShopSession)
    assert isinstance(bo, ShopSession)
    yield SignedInShop(shop, backend, ada, bo)
    await close()


@pytest.fixture
async def site() -> AsyncIterator[SignedInShop]:
    async with signed_in_shop() as made:
        yield made


async def test_an_order_in_a_customers_name_is_in_that_account_and_in_no_other(site: SignedInShop) -> None:
    number = await site.order(await site.cart())

    listed = await site.ada.orders(page=1, size=10)
    (order,) = listed.orders
    assert (listed.total, order.number, order.status) == (1, number, "pending")
    assert [(line.sku, line.quantity) for line in order.lines] == [("JAR-DILL", 2)]
    assert order.placed_at.endswith("Z")
    assert site.shop.state.orders[number].body["customerIsGuest"] is False
    assert (await site.bo.orders(page=1, size=10)).orders == ()
    with pytest.raises(OrderNotFound):
        await site.bo.order(number)
    with pytest.raises(OrderNotFound):
        await site.bo.cancel(number, "")


async def test_an_order_is_read_with_its_totals_parcels_and_comments(site: SignedInShop) -> None:
    number = await site.order(await site.cart())
    ship_order(site.shop.state, number, tracks={"AB123456789AU": "Australia Post"}, comments={"Handle with care": True})
    comment_order(site.shop.state, number, "thank you", visible=True)
    comment_order(site.shop.state, number, "internal", visible=False)

    order = await site.ada.order(number)

    assert order.totals is not None
    assert order.totals.total == order.total
    assert order.parcels[0].tracks[0].number == "AB123456789AU"
    assert set(order.comments) == {"thank you", "Handle with care"}
    assert order.shipping_address is not None
    assert (order.shipping_address.street, order.shipping_address.country) == ("1 Queen Street\nLevel 3", "AU")
    assert not order.cancellable, "it is on its way"


async def test_pages_end_where_the_shop_repeats_its_last_one(site: SignedInShop) -> None:
    numbers = [await site.order(await site.cart(), reference=f"chk_{at}") for at in range(3)]

    first, second, third = [await site.ada.orders(page=page, size=2) for page in (1, 2, 3)]

    assert [one.number for one in (*first.orders, *second.orders)] == numbers[::-1]
    assert (third.orders, third.total) == ((), 3)


async def test_an_unpaid_order_is_cancelled_once_and_its_pieces_are_back(site: SignedInShop) -> None:
    before = site.shop.state.stock["JAR-DILL"]
    number = await site.order(await site.cart())
    assert (await site.ada.order(number)).cancellable

    canceled = await site.ada.cancel(number, "too many jars")

    assert (canceled.status, canceled.cancellable) == ("canceled", False)
    assert site.shop.state.stock["JAR-DILL"] == before
    assert (await site.ada.cancel(number, "")).status == "canceled"
    assert len(site.shop.state.orders[number].body["statusHistory"]) == 3


async def test_what_is_paid_or_held_elsewhere_is_not_cancelled(site: SignedInShop) -> None:
    cart = await site.cart()
    total = (await site.backend.quote_order(cart, DRAFT)).totals.total
    paid = await site.ada.place_order(cart, DRAFT, OrderSettlement(method="prepaid", reference="chk_2"), total)
    with pytest.raises(OrderNotCancellable):
        await site.ada.cancel(paid.number or "", "")
    async with signed_in_shop(held_methods=frozenset({"checkmo"})) as other:
        number = await other.order(await other.cart())
        with pytest.raises(OrderNotCancellable):
            await other.ada.cancel(number, "")
        assert not (await other.ada.order(number)).cancellable


async def test_the_address_book_is_in_the_words_of_an_order(site: SignedInShop) -> None:
    book = site.shop.state.address_books
    book[1] = [
        {
            "id": 1,
            "firstname": "Ada",
            "lastname": "Brine",
            "street": ["1 Queen Street", "Level 3"],
            "city": "Brisbane",
            "region": "Queensland",
            "postcode": "4000",
            "countryId": "AU",
            "telephone": "+61 7 5550 1234",
            "isDefaultShipping": True,
        }
    ]

    (saved,) = await site.ada.addresses()

    assert saved.address == HOME
    assert (saved.default_shipping, saved.default_billing) == (True, False)
    assert await site.bo.addresses() == []


async def test_nothing_is_bought_with_what_waits_in_the_customers_own_cart(site: SignedInShop) -> None:
    own = await site.backend.login._rest.send("POST", "/carts", bearer=site.session.secret)
    number = httpx.Response(200, content=own.body).json()["id"]
    await site.backend.login._rest.send(
        "POST", f"/carts/{number}/items", {"sku": "TEE-BLACK-M", "qty": 1}, bearer=site.session.secret
    )
    cart = await site.cart()
    total = (await site.backend.quote_order(cart, DRAFT)).totals.total

    with pytest.raises(CustomerCartInUse) as refused:
        await site.ada.place_order(cart, DRAFT, LATER, total)

    assert [line.sku for line in refused.value.detail] == ["TEE-BLACK-M"]
    assert [line.sku for line in await site.ada.cart_lines()] == ["TEE-BLACK-M"]
    assert not site.shop.state.orders


async def test_coupons_and_choices_come_along_to_the_cent(site: SignedInShop) -> None:
    cart = await site.cart("TEE-BLACK-M", 3)
    await site.backend.add_line(cart, Sku("JAR-DILL"), 1, {})
    await site.backend.apply_coupon(cart, "SAVE10")

    order = await site.ada.order(await site.order(cart))

    assert {line.sku: line.options for line in order.lines}["TEE-BLACK-M"] == {"Colour": "Black", "Size": "M"}
    assert order.totals is not None
    assert order.totals.discount is not None


async def test_what_cannot_be_copied_leaves_the_customers_cart_empty(site: SignedInShop) -> None:
    cart = await site.cart("TEE-BLACK-M", 1)
    await site.backend.add_line(cart, Sku("JAR-DILL"), 1, {})
    total = (await site.backend.quote_order(cart, DRAFT)).totals.total
    site.shop.state.stock["JAR-DILL"] = 0

    with pytest.raises(OrderRefused, match="could not be copied"):
        await site.ada.place_order(cart, DRAFT, LATER, total)

    assert await site.ada.cart_lines() == ()
    assert not site.shop.state.orders


async def test_the_same_reference_orders_once_and_is_found_again(site: SignedInShop) -> None:
    number = await site.order(await site.cart(), reference="chk_7")

    found = await site.ada.find_order("chk_7")

    assert found is not None
    assert found.number == number
    assert await site.ada.find_order("chk_8") is None


async def test_every_call_after_the_end_of_the_session_says_so(site: SignedInShop) -> None:
    number = await site.order(await site.cart())
    cart = await site.cart()
    await site.backend.login.end(site.session)
    for call in (
        site.ada.orders(page=1, size=10),
        site.ada.order(number),
        site.ada.cancel(number, ""),
        site.ada.addresses(),
        site.ada.cart_lines(),
        site.ada.place_order(cart, DRAFT, LATER, Money(1, "AUD")),
        site.ada.find_order("chk_1"),
    ):
        with pytest.raises(SessionOver):
            await call


RECORDED: dict[str, Any] = {
    "id": 4,
    "incrementId": "100000004",
    "customerId": 3,
    "status": "pending",
    "state": "new",
    "currency": "USD",
    "createdAt": "2026-01-15 10:38:35",
    "items": [
        {
            "id": 6,
            "sku": "BALL-3",
            "name": "Outdoor Balls",
            "qtyOrdered": 2,
            "qtyShipped": 0,
            "qtyInvoiced": 0,
            "rowTotal": 29,
            "rowTotalInclTax": 31.39,
            "productOptions": {"info_buyRequest": {"qty": 2}},
        },
        {"id": 7, "sku": "PART", "name": "Part", "qtyOrdered": 2, "parentItemId": 6, "productOptions": []},
    ],
    "prices": {"subtotal": 29, "grandTotal": 41.39, "totalPaid": 0, "totalDue": 41.39, "totalInvoiced": None},
    "paymentMethod": "checkmo",
    "shipments": [],
    "statusHistory": [],
}


def account_of(scripted: MahoBackend) -> MahoAccount:
    return scripted.account(ShopSession(secret="JWT", customer_id="3", name="", email="cy@example.com"))


async def test_an_order_as_maho_writes_it_is_read(script: respx.Router, scripted: MahoBackend) -> None:
    listed = script.get("/customers/me/orders").mock(return_value=members(RECORDED))

    (order,) = (await account_of(scripted).orders(page=1, size=10)).orders

    assert listed.calls[0].request.headers["authorization"] == "Bearer JWT"
    assert (order.number, order.placed_at, order.total) == ("100000004", "2026-01-15T10:38:35Z", Money(4139, "USD"))
    assert [line.sku for line in order.lines] == ["BALL-3"], "parts of a bundle are no lines of their own"
    assert order.lines[0].total == Money(2900, "USD")
    assert order.cancellable


async def test_a_refused_cancellation_is_read_again(script: respx.Router, scripted: MahoBackend) -> None:
    script.get("/customers/me/orders").mock(return_value=members(RECORDED))
    cancel = script.post("/orders/4/cancel").mock(return_value=refused(500, "An internal error occurred"))
    whole = script.get("/orders/4").mock(side_effect=[ld(RECORDED), ld(RECORDED)])
    with pytest.raises(OrderNotCancellable, match="the shop did not do it"):
        await account_of(scripted).cancel("100000004", "why")
    canceled = RECORDED | {"state": "canceled", "status": "canceled"}
    whole.mock(side_effect=[ld(RECORDED), ld(canceled)])
    assert (await account_of(scripted).cancel("100000004", "why")).status == "canceled"
    assert cancel.call_count == 2


async def test_a_cancellation_whose_answer_is_lost_is_looked_up(script: respx.Router, scripted: MahoBackend) -> None:
    script.get("/customers/me/orders").mock(return_value=members(RECORDED))
    script.post("/orders/4/cancel").mock(side_effect=httpx.ReadError("cut"))
    whole = script.get("/orders/4").mock(side_effect=[ld(RECORDED), ld(RECORDED | {"state": "canceled"})])
    assert (await account_of(scripted).cancel("100000004", "")).number == "100000004"
    whole.mock(side_effect=[ld(RECORDED), ld(RECORDED)])
    with pytest.raises(ShopOutcomeUnknown):
        await account_of(scripted).cancel("100000004", "")


@pytest.mark.parametrize(
    "changed", [{"state": "processing"}, {"paymentMethod": "checkmo", "shipments": [{"items": []}]}]
)
async def test_an_order_that_has_moved_on_is_not_even_asked_for(
    script: respx.Router, scripted: MahoBackend, changed: dict[str, Any]
) -> None:
    script.get("/customers/me/orders").mock(return_value=members(RECORDED))
    script.get("/orders/4").mock(return_value=ld(RECORDED | changed))
    cancel = script.post("/orders/4/cancel")
    with pytest.raises(OrderNotCancellable):
        await account_of(scripted).cancel("100000004", "")
    assert not cancel.called


@pytest.mark.parametrize("number", ["", "../x", "a b", "x" * 61, "100000099"])
async def test_a_number_that_is_none_of_the_customers_is_not_found(
    script: respx.Router, scripted: MahoBackend, number: str
) -> None:
    script.get("/customers/me/orders").mock(return_value=members(RECORDED))
    with pytest.raises(OrderNotFound):
        await account_of(scripted).order(number)


async def test_an_outage_is_no_end_of_the_session(script: respx.Router, scripted: MahoBackend) -> None:
    script.get("/customers/me/orders").mock(return_value=httpx.Response(503))
    with pytest.raises(ShopDown):
        await account_of(scripted).orders(page=1, size=10)


async def test_what_was_written_for_a_product_comes_with_its_line_and_can_be_ordered_again(site: SignedInShop) -> None:
    chosen = {"Engraving": "Ada", "Mug size": "Large"}
    number = await site.order(await site.cart("GIFT-MUG", 1, **chosen))

    (line,) = (await site.ada.order(number)).lines

    assert (line.options, line.custom_options) == ({}, chosen)
    await site.cart(line.sku, 1, **line.custom_options)
