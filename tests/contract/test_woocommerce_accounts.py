"""Customers of a WooCommerce shop: whom its directory knows, and which orders are whose, over the stand-in."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.backends.woocommerce import MerchantKey, WooBackend
from storefront_mcp.backends.woocommerce.account import MAX_SEARCHED, WooAccount
from storefront_mcp.commerce.account_errors import OrderNotCancellable, OrderNotFound
from storefront_mcp.commerce.accounts import SavedAddress
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.customers import SessionOver, ShopCustomer, ShopSession
from storefront_mcp.commerce.errors import OrderRefused, ShopDown, ShopMisconfigured
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import OrderSettlement
from storefront_mcp.demo.customers import PICKLERS
from tests.contract.woocommerce import BY_CHEQUE, WOO_DRAFT, filled, woo_backend
from tests.fakes.demo_faults import DemoFault
from tests.fakes.woocommerce import MERCHANT_KEY, WooShop, woo_shop

ADA, BO, CY = PICKLERS


@pytest.fixture
def shop() -> WooShop:
    opened = woo_shop(tax="included")
    opened.state.add_people(PICKLERS)
    return opened


@pytest.fixture
def backend(shop: WooShop) -> WooBackend:
    return woo_backend(shop)


async def found(backend: WooBackend, email: str) -> ShopCustomer | None:
    assert backend.customers is not None
    return await backend.customers.find_customer(email)


async def account_of(backend: WooBackend, email: str = ADA.email) -> WooAccount:
    who = await found(backend, email)
    assert who is not None
    return backend.account(ShopSession(secret="", customer_id=who.customer_id, name=who.name, email=who.email))


def account_by_id(backend: WooBackend, customer: str = "2") -> WooAccount:
    return backend.account(ShopSession(secret="", customer_id=customer, name="", email=ADA.email))


async def ordered(backend: WooBackend, shop: WooShop, sku: str = "PAD-2", email: str = ADA.email, **how: Any) -> str:
    """The number of a new order, which is somebody's."""
    cart = await filled(backend, sku, **how)
    await backend.quote_order(cart, WOO_DRAFT)
    order = await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    assert order.number
    shop.state.claim(order.number, email)
    return order.number


# The directory --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", [ADA.email, " Ada@Pickle.EXAMPLE "])
async def test_a_customer_is_found_by_the_exact_address_in_capitals_or_not(backend: WooBackend, email: str) -> None:
    who = await found(backend, email)
    assert who == ShopCustomer(customer_id="2", name="Ada Brine", email=ADA.email)


@pytest.mark.parametrize(
    "email",
    [
        "nobody@pickle.example",
        "*@pickle.example",
        "ada@pickle.*",
        "ada@pickle.exámple",
        "ada",
        "",
        "ada@pickle.example, bo@pickle.example",
        f"{'a' * 250}@pickle.example",
        CY.email,
    ],
)
async def test_nobody_else_is_a_customer(backend: WooBackend, email: str) -> None:
    assert await found(backend, email) is None


async def test_an_address_that_a_database_takes_for_the_same_is_not_the_customers(
    shop: WooShop, backend: WooBackend
) -> None:
    shop.state.add_customer("zoé@pickle.example", "Zoé", "Dill")
    assert await found(backend, "zoe@pickle.example") is None


async def test_an_address_with_a_plus_is_sent_as_it_is(shop: WooShop, backend: WooBackend) -> None:
    shop.state.add_customer("zoe+shop@pickle.example", "Zoe", "Dill")
    who = await found(backend, "zoe+shop@pickle.example")
    assert who is not None
    assert await found(backend, "zoe shop@pickle.example") is None


async def test_the_staff_and_whom_the_shop_has_twice_are_nobody(shop: WooShop, backend: WooBackend) -> None:
    shop.state.add_customer("boss@pickle.example", "The", "Boss", role="shop_manager")
    shop.state.add_customer(ADA.email.upper(), "Ada", "Brine")
    assert await found(backend, "boss@pickle.example") is None
    assert await found(backend, ADA.email) is None


async def test_a_key_that_may_not_read_customers_is_a_wrong_configuration(shop: WooShop, backend: WooBackend) -> None:
    account = await account_of(backend)
    shop.state.may_read_customers = False
    with pytest.raises(ShopMisconfigured):
        await found(backend, ADA.email)
    with pytest.raises(ShopMisconfigured):
        await account.addresses()
    wrong = woo_backend(shop, key=MerchantKey(consumer_key=MERCHANT_KEY, consumer_secret="cs_wrong"))
    with pytest.raises(ShopMisconfigured):
        await account_by_id(wrong).orders(page=1, size=10)


async def test_without_a_key_there_are_no_customers_and_a_session_is_over(shop: WooShop) -> None:
    keyless = woo_backend(shop, key=None)
    assert keyless.customers is None
    with pytest.raises(SessionOver):
        account_by_id(keyless)


@pytest.mark.parametrize("customer", ["", "0", "-1", "x", "2/../3"])
async def test_a_session_of_no_customer_is_over(backend: WooBackend, customer: str) -> None:
    with pytest.raises(SessionOver):
        account_by_id(backend, customer)


# Orders ---------------------------------------------------------------------------------------------------------------


async def test_orders_are_listed_the_newest_first_without_those_of_others_and_guests(
    shop: WooShop, backend: WooBackend
) -> None:
    first = await ordered(backend, shop)
    await ordered(backend, shop, email=BO.email)
    await backend.place_order(await filled(backend), WOO_DRAFT, BY_CHEQUE)
    second = await ordered(backend, shop, "TEE-BLACK-M", quantity=2)
    listed = await (await account_of(backend)).orders(page=1, size=10)

    assert [one.number for one in listed.orders] == [second, first]
    assert listed.total == 2
    (tee,) = listed.orders[0].lines
    assert (tee.sku, tee.quantity, tee.options) == ("TEE-BLACK-M", 2, {"Colour": "Black", "Size": "M"})
    assert listed.orders[0].status == "on-hold"
    assert listed.orders[0].totals is None


async def test_drafts_are_no_orders_and_move_no_page(shop: WooShop, backend: WooBackend) -> None:
    numbers = [await ordered(backend, shop) for _ in range(6)]
    for draft in (numbers[5], numbers[3]):
        shop.state.orders[int(draft)].status = "checkout-draft"
    account = await account_of(backend)
    pages = [await account.orders(page=page, size=2) for page in (1, 2, 3)]

    assert [[one.number for one in page.orders] for page in pages] == [[numbers[4], numbers[2]], [*numbers[1::-1]], []]
    assert [page.total for page in pages[1:]] == [4, 4]
    with pytest.raises(OrderNotFound):
        await account.order(numbers[5])


async def test_a_page_with_nothing_but_drafts_is_followed_by_what_comes_next(
    shop: WooShop, backend: WooBackend
) -> None:
    numbers = [await ordered(backend, shop) for _ in range(3)]
    shop.state.orders[int(numbers[2])].status = "checkout-draft"
    listed = await (await account_of(backend)).orders(page=1, size=1)
    assert ([one.number for one in listed.orders], listed.total) == ([numbers[1]], 2)


async def test_what_the_shop_lists_of_somebody_else_is_left_out(
    shop: WooShop, backend: WooBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ordered(backend, shop, email=BO.email)
    mine = await ordered(backend, shop)
    """As of a shop, or something in front of it, that ignores the filter."""
    account = await account_of(backend)
    api: Any = account._api
    get: Callable[..., Any] = api.get

    async def unfiltered(path: str, query: dict[str, str]) -> Any:
        return await get(path, {name: value for name, value in query.items() if name != "customer"})

    monkeypatch.setattr(api, "get", unfiltered)
    assert [one.number for one in (await account.orders(page=1, size=10)).orders] == [mine]


async def test_one_order_is_read_with_what_the_shop_wrote_and_paid_back(shop: WooShop, backend: WooBackend) -> None:
    number = await ordered(backend, shop)
    kept = shop.state.orders[int(number)]
    kept.notes += [("Packed by Bo", False), ("Sent with parcel 7", True)]
    kept.refunds.append(500)
    order = await (await account_of(backend)).order(number)

    assert order.comments == ("Sent with parcel 7",)
    assert order.refunded == Money(500, "AUD")
    assert order.total is not None
    assert order.due == order.total
    assert (order.paid_by, order.shipped_by) == ("Check payments", "Express")
    assert order.totals is not None
    assert order.totals.other is None
    assert order.placed_at.endswith("Z")
    assert order.billing_address is not None
    assert (order.billing_address.last_name, order.billing_address.country) == ("Bill", "NZ")


@pytest.mark.parametrize("status", ["processing", "completed", "refunded", "cancelled", "failed"])
async def test_nothing_is_due_of_an_order_that_is_paid_or_over(shop: WooShop, backend: WooBackend, status: str) -> None:
    number = await ordered(backend, shop)
    shop.state.orders[int(number)].status = status
    order = await (await account_of(backend)).order(number)
    assert (order.status, order.due) == (status, None)


async def test_an_order_has_the_number_that_an_extension_gave_it(shop: WooShop, backend: WooBackend) -> None:
    theirs, mine = await ordered(backend, shop, email=BO.email), await ordered(backend, shop)
    # What is Ada's order by its number is Bo's by its id.
    shop.state.orders[int(mine)].number = theirs
    other = await ordered(backend, shop)
    shop.state.orders[int(other)].number = "#A-7"
    account = await account_of(backend)

    for number in (theirs, "#A-7"):
        assert (await account.order(number)).number == number
    assert (await account.order(other)).number == "#A-7", "by its id"
    assert (await account.order(mine)).number == theirs


async def test_somebody_elses_order_is_not_found_and_not_cancelled(shop: WooShop, backend: WooBackend) -> None:
    theirs, guests = await ordered(backend, shop, email=BO.email), await ordered(backend, shop)
    shop.state.orders[int(guests)].customer = 0
    account = await account_of(backend)
    for number in (theirs, guests, "999999999", "1" * 19, "../orders", ""):
        with pytest.raises(OrderNotFound):
            await account.order(number)
        with pytest.raises(OrderNotFound):
            await account.cancel(number, "")


async def test_a_customers_own_order_is_neither_cancelled_nor_made_in_their_name(
    shop: WooShop, backend: WooBackend
) -> None:
    number = await ordered(backend, shop)
    account = await account_of(backend)
    with pytest.raises(OrderNotCancellable):
        await account.cancel(number, "")
    settlement = OrderSettlement(method="cheque", reference="chk_1")
    with pytest.raises(OrderRefused):
        await account.place_order(await filled(backend), WOO_DRAFT, settlement, Money(1, "AUD"))
    assert await account.find_order("chk_1") is None
    assert await account.cart_lines() == ()
    assert shop.state.orders[int(number)].status == "on-hold"


async def test_an_order_in_another_currency_or_without_one_keeps_its_lines(shop: WooShop, backend: WooBackend) -> None:
    number = await ordered(backend, shop)
    account = await account_of(backend)
    for currency, total in (("EUR", "EUR"), ("€", None), ("", None)):
        shop.state.currency = currency
        order = await account.order(number)
        assert (order.total and order.total.currency) == total
        assert (order.totals is None) is (total is None)
        assert [line.sku for line in order.lines] == ["PAD-2"]


@pytest.mark.parametrize("amount", ["sNaN", "NaN", "Infinity", "-Infinity", "1E+9999999", "", "free", None, 7, []])
async def test_an_amount_that_is_none_costs_itself_only(backend: WooBackend, shop: WooShop, amount: Any) -> None:
    number = await ordered(backend, shop)
    account = await account_of(backend)
    api: Any = account._api
    get: Callable[..., Any] = api.get

    async def odd(path: str, query: dict[str, str]) -> Any:
        answer = await get(path, query)
        if not path.endswith(f"/orders/{number}"):
            return answer
        told = json.loads(answer.body)
        line = {**told["line_items"][0], "subtotal": amount, "subtotal_tax": amount}
        odder = {"discount_total": amount, "shipping_tax": amount, "total_tax": amount, "refunds": [{"total": amount}]}
        return replace(answer, body=json.dumps({**told, **odder, "line_items": [line, line]}).encode())

    api.get = odd
    order = await account.order(number)
    assert [line.sku for line in order.lines] == ["PAD-2"] * 2
    assert order.total is not None


async def test_a_page_far_beyond_the_end_is_empty_and_asks_no_more_than_it_must(
    shop: WooShop, backend: WooBackend
) -> None:
    await ordered(backend, shop)
    account = await account_of(backend)
    shop.state.asked.clear()
    assert (await account.orders(page=MAX_SEARCHED, size=50)).orders == ()
    assert len(shop.state.asked) == 1


async def test_a_shop_that_is_down_ends_no_session(shop: WooShop, backend: WooBackend) -> None:
    account = await account_of(backend)
    shop.faults.next(DemoFault.BEFORE)
    with pytest.raises(ShopDown):
        await account.orders(page=1, size=10)
    assert (await account.orders(page=1, size=10)).total == 0


# Addresses ------------------------------------------------------------------------------------------------------------


async def test_the_address_book_is_what_the_shop_keeps_of_a_customer(shop: WooShop, backend: WooBackend) -> None:
    account = await account_of(backend)
    assert await account.addresses() == []
    place = {"address_1": "12 Barrel Lane", "address_2": "Unit 3", "city": "Brunswick", "postcode": "3056"}
    shop.state.customers[2].billing |= place | {"first_name": "Ada", "state": "VIC", "country": "AU", "phone": "1"}
    (billing,) = await account.addresses()
    assert billing == SavedAddress(
        address=PostalAddress(
            first_name="Ada",
            street="12 Barrel Lane\nUnit 3",
            city="Brunswick",
            region="VIC",
            postcode="3056",
            country="AU",
            phone="1",
        ),
        default_billing=True,
    )
    shop.state.customers[2].shipping |= place | {"first_name": "Ada", "city": "Carlton", "country": "AU"}
    assert [(one.address.city, one.default_shipping) for one in await account.addresses()] == [
        ("Carlton", True),
        ("Brunswick", False),
    ]


async def test_the_session_of_a_customer_who_has_gone_is_over(shop: WooShop, backend: WooBackend) -> None:
    account = await account_of(backend)
    del shop.state.customers[2]
    with pytest.raises(SessionOver):
        await account.addresses()
