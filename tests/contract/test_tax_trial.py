"""Whether prices include tax is learned from plain products in a cart that nobody uses."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from storefront_mcp.backends.maho.prices import TaxDisplay
from storefront_mcp.backends.maho.scratch_cart import CartTrial
from storefront_mcp.backends.maho.shapes import CartItem, CollectionShape, GuestCart, ListedProduct
from storefront_mcp.backends.maho.tax_trial import MAX_TRIALS, TRIED_TTL_SECONDS, TaxTrial
from storefront_mcp.commerce.errors import OutOfStock, ShopDown
from storefront_mcp.commerce.ids import Sku
from tests.contract.conftest import Clock

NET, GROSS = Decimal("10.00"), Decimal("11.00")


class Shelf:
    """A shop's list of products and its scratch cart: each SKU with the two prices of its line, or none if refused."""

    def __init__(self, lines: Mapping[str, tuple[Decimal, Decimal] | None], **listed: Any) -> None:
        self.lines = lines
        self.listed = {"final_price": GROSS} | listed
        self.is_down = False
        self.tried: list[str] = []
        self.lists = 0

    async def page(self, *_: object, **__: object) -> CollectionShape[ListedProduct]:
        self.lists += 1
        if self.is_down:
            raise ShopDown
        found = [ListedProduct(id=at, sku=sku, **self.listed) for at, sku in enumerate(self.lines)]
        return CollectionShape(member=found, totalItems=len(found))

    async def try_line(self, body: Mapping[str, object]) -> CartTrial:
        sku = str(body["sku"])
        self.tried.append(sku)
        prices = self.lines[sku]
        if prices is None:
            return CartTrial(refused=OutOfStock(Sku(sku)))
        item = CartItem(id=1, sku=sku, qty=Decimal(1), price=prices[0], price_incl_tax=prices[1])
        return CartTrial(product=1, cart=GuestCart(items=[item]))


def trial(shelf: Shelf, tax: TaxDisplay, clock: Clock) -> TaxTrial:
    return TaxTrial(shelf, shelf, tax, clock=clock)  # type: ignore[arg-type]


@pytest.mark.parametrize("included", [True, False])
async def test_the_first_product_that_is_taxed_tells(included: bool, clock: Clock) -> None:
    shelf = Shelf(
        {"GONE": None, "BOOK": (GROSS, GROSS), "JAR": (NET, GROSS), "NET": (NET, GROSS)},
        final_price=GROSS if included else NET,
    )
    tax = TaxDisplay(clock=clock)
    await trial(shelf, tax, clock).learn()
    assert (tax.is_known, tax.included) == (True, included)
    assert shelf.tried == ["GONE", "BOOK", "JAR"]


async def test_what_is_known_is_not_asked(clock: Clock) -> None:
    shelf, tax = Shelf({"JAR": (NET, GROSS)}), TaxDisplay(clock=clock)
    tax.cache[None] = False
    await trial(shelf, tax, clock).learn()
    assert shelf.lists == 0
    assert not tax.included


async def test_a_shop_that_teaches_nothing_is_asked_again_after_ten_minutes(clock: Clock) -> None:
    shelf, tax = Shelf(dict.fromkeys(["A", "B", "C", "D"], (GROSS, GROSS))), TaxDisplay(clock=clock)
    asking = trial(shelf, tax, clock)
    for _ in range(2):
        await asking.learn()
    assert (shelf.lists, len(shelf.tried)) == (1, MAX_TRIALS)
    clock.now += TRIED_TTL_SECONDS + 1
    await asking.learn()
    assert (shelf.lists, tax.is_known) == (2, False)


async def test_a_shop_that_does_not_answer_is_left_alone(clock: Clock) -> None:
    shelf, tax = Shelf({"JAR": (NET, GROSS)}), TaxDisplay(clock=clock)
    shelf.is_down = True
    await trial(shelf, tax, clock).learn()
    assert (shelf.lists, tax.is_known) == (1, False)


@pytest.mark.parametrize(
    "listed",
    [{"type": "configurable"}, {"has_required_options": True}, {"final_price": None}, {"final_price": Decimal(0)}],
)
async def test_only_plain_products_with_a_price_are_tried(listed: dict[str, Any], clock: Clock) -> None:
    shelf, tax = Shelf({"JAR": (NET, GROSS)}, **listed), TaxDisplay(clock=clock)
    await trial(shelf, tax, clock).learn()
    assert shelf.tried == []
