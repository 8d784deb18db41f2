"""Who takes the money of an order, when, and what becomes of goods and cart when it cannot be taken."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from storefront_mcp.commerce.money import Money
from storefront_mcp.demo.currencies import CURRENCIES
from storefront_mcp.demo.models import PaymentRefused
from tests.fakes.demo_faults import DemoFault
from tests.fakes.demo_shop import UnsafeBehaviours
from tests.unit.demo.conftest import HOME_ADDRESS, Clock, Guest

CARD = {"paymentMethod": "stripe_card", "paymentData": {"stripe_payment_intent_id": "pi_1"}}
PLACED = "/place-order"


class Module:
    """A payment module that keeps a list."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, str, Mapping[str, Any]]] = []
        self.refuses: Exception | None = None
        self.turn = asyncio.Event()
        self.turn.set()
        self.asked = asyncio.Event()

    async def take(self, *, amount: int, currency: str, data: Mapping[str, Any]) -> None:
        self.asked.set()
        await self.turn.wait()
        if self.refuses is not None:
            raise self.refuses
        self.taken.append((amount, currency, data))


@pytest.fixture
def module() -> Module:
    return Module()


@pytest.fixture
async def paying(guest_of: Callable[..., Guest], module: Module, clock: Clock) -> Guest:
    """A guest with a paddle in the cart, in a shop that takes cards."""
    guest = guest_of(payment_modules={"stripe_card": module}, clock=clock)
    await guest.new_cart()
    await guest.add("PAD-2")
    return guest


async def test_a_module_takes_the_total_before_there_is_an_order(paying: Guest, module: Module) -> None:
    methods = (await paying.ask("GET", "/payment-methods")).json()
    assert [(one["code"], one["isOffline"]) for one in methods][:2] == [("stripe_card", False), ("prepaid", False)]

    order = (await paying.place(**CARD)).json()

    assert module.taken == [(29445, "AUD", {"stripe_payment_intent_id": "pi_1"})]
    assert (order["status"], order["prices"]["totalPaid"], order["prices"]["totalDue"]) == ("processing", 294.45, 0)
    assert order["paymentMethodTitle"] == "Credit or debit card"
    [sold] = paying.shop.books
    assert (sold.number, sold.cart, sold.total, sold.currency) == ("100000001", paying.cart, 29445, "AUD")
    assert (sold.method, sold.payment) == ("stripe_card", {"stripe_payment_intent_id": "pi_1"})


@pytest.mark.parametrize(
    ("refuses", "status", "message"),
    [
        (PaymentRefused("The amount differs"), 400, "The amount differs"),
        (OSError("no line to the bank"), 500, "An internal error occurred"),
    ],
)
async def test_without_the_money_there_is_no_order(
    paying: Guest, module: Module, refuses: Exception, status: int, message: str
) -> None:
    module.refuses = refuses
    answer = await paying.place(**CARD)

    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert (await paying.ask("GET")).json()["itemsQty"] == 1
    assert (paying.shop.books, paying.shop.state.stock["PAD-2"]) == ((), 48)
    module.refuses = None
    assert (await paying.place(**CARD)).status_code == 201


async def test_the_trap_hides_why_the_money_was_not_taken(guest_of: Callable[..., Guest], module: Module) -> None:
    guest = guest_of(payment_modules={"stripe_card": module}, unsafe=UnsafeBehaviours(opaque_errors=True))
    module.refuses = PaymentRefused("The amount differs")
    await guest.new_cart()
    await guest.add("PAD-2")
    assert (await guest.place(**CARD)).status_code == 500


async def test_a_shop_may_break_between_money_and_order(paying: Guest, module: Module) -> None:
    paying.shop.faults.next(DemoFault.CAPTURED, path=PLACED)
    assert (await paying.place(**CARD)).status_code == 500

    assert len(module.taken) == 1
    assert (paying.shop.books, paying.shop.state.stock["PAD-2"]) == ((), 48)
    paying.shop.faults.next(DemoFault.CAPTURED, path=PLACED)
    assert (await paying.place(paymentMethod="prepaid")).status_code == 201, "there is no module to break after"


async def test_parallel_calls_take_the_money_once(paying: Guest, module: Module) -> None:
    module.turn.clear()
    calls = [asyncio.create_task(paying.place(**CARD)) for _ in range(6)]
    await asyncio.sleep(0)
    module.turn.set()

    assert sorted([(await call).status_code for call in calls]) == [201, *[404] * 5]
    assert (len(module.taken), len(paying.shop.books), paying.shop.app.ordering.locks) == (1, 1, {})


async def test_goods_that_are_being_paid_for_are_not_sold_twice(paying: Guest, module: Module) -> None:
    first = paying.cart
    await paying.new_cart()
    await paying.add("PAD-2", 48)
    second, paying.cart = paying.cart, first
    module.turn.clear()
    slow = asyncio.create_task(paying.place(**CARD))
    await module.asked.wait()
    paying.cart = second
    assert (await paying.place(shippingMethod="auspost_parcel")).status_code == 422
    module.turn.set()
    assert (await slow).status_code == 201


async def test_prepaid_is_paid_and_a_bank_transfer_is_not(guest: Guest) -> None:
    for method, paid in (("prepaid", True), ("banktransfer", False)):
        await guest.new_cart()
        await guest.add("JAR-DILL")
        order = (await guest.place(paymentMethod=method, paymentData={"reference": "pay_1"})).json()
        assert (order["prices"]["totalDue"] == 0) is paid
        assert order["status"] == ("processing" if paid else "pending")
    assert [one.payment for one in guest.shop.books] == [{"reference": "pay_1"}] * 2


async def test_a_cart_that_costs_nothing_is_ordered_as_free_and_no_other_way(guest: Guest) -> None:
    await guest.new_cart()
    await guest.add("JAR-DILL")
    await guest.ask("POST", "/giftcards", {"giftcardCode": "GC-BRINE-50"})
    assert (await guest.place(paymentMethod="prepaid")).status_code == 400
    order = (await guest.place(paymentMethod="free")).json()
    assert (order["prices"]["grandTotal"], order["paymentMethod"]) == (0, "free")


@pytest.mark.parametrize("code", CURRENCIES)
async def test_an_order_in_another_currency_adds_up_to_the_minor_unit(guest: Guest, code: str) -> None:
    guest.http.headers["x-currency-code"] = code
    await guest.new_cart()
    await guest.add("PAD-2")
    await guest.add("JAR-DILL", 7)
    await guest.ask("PUT", "/coupon", {"couponCode": "SAVE10"})
    rates = (await guest.ask("POST", "/shipping-methods", {"address": HOME_ADDRESS})).json()
    [express] = [Money.of(str(rate["price"]), code) for rate in rates if rate["code"] == "auspost_express"]

    order = (await guest.place(paymentMethod="prepaid")).json()
    told = {name: Money.of(str(value or 0), code).minor for name, value in order["prices"].items()}

    assert order["currency"] == code
    assert told["shippingAmountInclTax"] == express.minor
    rows = sum(Money.of(str(item["rowTotalInclTax"]), code).minor for item in order["items"])
    assert rows == told["subtotalInclTax"]
    assert rows - told["discountAmount"] + express.minor == told["grandTotal"] == guest.shop.books[0].total
    assert guest.shop.books[0].currency == code
