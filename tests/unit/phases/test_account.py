"""The tools of the account: what a customer sees and does, and that nobody else's order is within reach."""

from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.accounts import OrderedLine
from storefront_mcp.commerce.cart import CartLine
from storefront_mcp.commerce.ids import LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.roadmap.roadmap import Roadmap
from tests.fakes.memory_accounts import order
from tests.fakes.memory_backend import MemoryBackend, shop_on
from tests.fakes.memory_checkouts import MemoryCheckouts
from tests.unit.web.customers import GUESTS_ONLY, SIGNED_IN, CustomerSite


async def test_orders_come_newest_first_page_by_page() -> None:
    site = CustomerSite()
    first = await site.value("get_customer_orders", "ada", page_size=1)
    assert [one["number"] for one in first["orders"]] == ["1002"]
    assert first["orders"][0]["lines"] == ["1 x Carbon paddle"]
    assert "shipping_address" not in first["orders"][0]
    second = await site.value("get_customer_orders", "ada", page_size=1, cursor=first["next_cursor"])
    assert [one["number"] for one in second["orders"]] == ["1001"]
    assert "next_cursor" not in second


@pytest.mark.parametrize("cursor", ["0", "1", "-2", "x", "²"])
async def test_a_cursor_that_was_never_given_is_refused(cursor: str) -> None:
    assert await CustomerSite().refusal("get_customer_orders", "ada", cursor=cursor) == "invalid_cursor"


async def test_a_long_order_shows_three_of_its_lines() -> None:
    site = CustomerSite()
    lines = [OrderedLine(sku=Sku(f"S{number}"), name=f"Jar {number}", quantity=2) for number in range(5)]
    site.ada.kept["1003"] = order("1003", *lines)
    newest = (await site.value("get_customer_orders", "ada"))["orders"][0]
    assert newest["lines"] == ["2 x Jar 0", "2 x Jar 1", "2 x Jar 2"]
    assert newest["more_lines"] == 2


async def test_addresses_of_an_order_are_for_who_may_see_the_profile() -> None:
    site = CustomerSite()
    assert (await site.value("get_order", "ada", number="1001"))["shipping_address"]["city"] == "Brisbane"
    assert "shipping_address" not in await site.value("get_order", "ada-reads", number="1001")
    assert "billing_address" not in await site.value("get_order", "ada-reads", number="1001")


@pytest.mark.parametrize("tool", ["get_order", "cancel_order", "reorder"])
async def test_an_order_of_somebody_else_is_not_found(tool: str) -> None:
    site = CustomerSite()
    assert await site.refusal(tool, "ada", number="2001") == "order_not_found"
    assert site.bo.calls == 0


async def test_an_order_is_canceled_once_and_again_is_the_same() -> None:
    site = CustomerSite()
    first = await site.value("cancel_order", "ada", number="1001", reason="too many jars")
    assert first["status"] == "canceled"
    assert (await site.value("cancel_order", "ada", number="1001"))["status"] == "canceled"
    assert await site.refusal("cancel_order", "ada", number="1002") == "order_not_cancellable"


async def test_saved_addresses_are_in_the_form_that_orders_take() -> None:
    (saved,) = (await CustomerSite().value("list_addresses", "ada"))["addresses"]
    assert saved["default_shipping"]
    assert saved["address"]["street"] == "1 Jar Lane"


@pytest.mark.parametrize(("country", "count"), [("AU", 1), ("au", 1), ("NZ", 0), ("", 1)])
async def test_saved_addresses_can_be_of_one_country(country: str, count: int) -> None:
    assert len((await CustomerSite().value("list_addresses", "ada", country=country))["addresses"]) == count


async def test_reordering_fills_a_new_cart_and_says_what_is_gone_or_dearer() -> None:
    site = CustomerSite()
    site.ada.kept["1003"] = order(
        "1003",
        OrderedLine(sku=Sku("PAD-2"), name="Carbon paddle", quantity=1, total=Money(25000, "AUD")),
        OrderedLine(sku=Sku("JAR-1"), name="Named jar", quantity=2, custom_options={"Name on the lid": "Ada"}),
        OrderedLine(sku=Sku("NET-0"), name="Portable net", quantity=1),
        OrderedLine(sku=Sku("OLD-1"), name="Old ball", quantity=3),
    )
    cart = await site.value("reorder", "ada", number="1003")
    assert [(line["sku"], line["quantity"]) for line in cart["lines"]] == [("PAD-2", 1), ("JAR-1", 2)]
    assert [line["sku"] for line in cart["lost_lines"]] == ["NET-0", "OLD-1"]
    assert "Carbon paddle costs AUD 279.00 now; it was AUD 250.00." in cart["notice"]
    assert "Old ball is not in the cart" in cart["notice"]
    assert (await site.value("view_cart", "ada", cart_id=cart["cart_id"]))["totals"] == cart["totals"]


async def test_what_cannot_be_reordered_at_all_leaves_an_empty_cart() -> None:
    site = CustomerSite()
    site.ada.kept["1003"] = replace(order("1003"), lines=(OrderedLine(sku=Sku("OLD"), name="Old", quantity=1),))
    cart = await site.value("reorder", "ada", number="1003")
    assert "lines" not in cart
    assert cart["cart_id"]


ORDER = {
    "email": "ada@example.com",
    "shipping_method": "post",
    "shipping_address": {
        "first_name": "Ada",
        "last_name": "Brine",
        "street": "1 Jar Lane",
        "city": "Brisbane",
        "region": "QLD",
        "postcode": "4000",
        "country": "AU",
        "phone": "+61 7 5550 1234",
    },
}


class OrderingSite(CustomerSite):
    """The store with checkouts."""

    def __init__(self, under: Roadmap = SIGNED_IN) -> None:
        self.checkouts = MemoryCheckouts()
        super().__init__(served=replace(shop_on(MemoryBackend()), checkouts=self.checkouts))
        self.site.shared = replace(self.site.shared, shop=replace(self.site.shop, accounts=self.accounts))
        self.site.publish(under)

    async def order(self, token: str | None, **arguments: Any) -> Any:
        """Place an order of a new cart."""
        cart = (await self.value("create_cart", token))["cart_id"]
        return await self.value("place_order", token, cart_id=cart, **ORDER, **arguments)


@pytest.mark.parametrize(
    ("token", "arguments", "grant"),
    [
        (None, {}, ""),
        (None, {"as_customer": False}, ""),
        ("ada-reads", {}, ""),
        ("ada", {}, "grant-ada"),
        ("ada", {"as_customer": True}, "grant-ada"),
        ("ada", {"as_customer": False}, ""),
        ("key", {}, ""),
    ],
)
async def test_whose_order_it_is_follows_from_the_permission(
    token: str | None, arguments: dict[str, bool], grant: str
) -> None:
    site = OrderingSite()
    await site.order(token, **arguments)
    assert site.checkouts.grants == [grant]


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("ada-reads", 403), ("key", 403)])
async def test_asking_for_an_order_in_a_customers_name_without_permission_is_no_guests_order(
    token: str | None, status: int
) -> None:
    site = OrderingSite()
    answer = await site.call("place_order", token, cart_id="cart_1", as_customer=True, **ORDER)
    assert answer.status_code == status
    assert "checkout" in answer.headers["www-authenticate"]
    assert site.checkouts.grants == []


async def test_a_cart_in_use_at_the_shop_is_told_with_its_lines_and_a_guest_may_order() -> None:
    site = OrderingSite()
    price = Money(2500, "AUD")
    site.ada.waiting = [CartLine(line_id=LineId("1"), sku=Sku("TEE"), name="Tee", quantity=1, price=price, total=price)]
    cart = (await site.value("create_cart", None))["cart_id"]
    assert await site.refusal("place_order", "ada", cart_id=cart, **ORDER) == "customer_cart_in_use"
    assert await site.value("view_cart", None, cart_id=cart), "it was not claimed"
    await site.value("place_order", "ada", cart_id=cart, as_customer=False, **ORDER)
    assert site.checkouts.grants == [""]


async def test_a_cart_ordered_in_a_customers_name_is_theirs_from_then_on() -> None:
    site = OrderingSite()
    cart = (await site.value("create_cart", None))["cart_id"]
    await site.value("place_order", "ada", cart_id=cart, dry_run=True, **ORDER)
    assert await site.value("view_cart", None, cart_id=cart), "a dry run claims nothing"
    await site.value("place_order", "ada", cart_id=cart, **ORDER)
    assert await site.refusal("view_cart", None, cart_id=cart) == "cart_not_found"
    assert await site.refusal("view_cart", "bo", cart_id=cart) == "cart_not_found"
    assert await site.value("view_cart", "ada-reads", cart_id=cart), "by another client of the same customer"


async def test_while_the_account_is_closed_who_had_signed_in_orders_as_a_guest_and_keeps_their_carts() -> None:
    site = OrderingSite(GUESTS_ONLY)
    cart = (await site.value("create_cart", "ada"))["cart_id"]
    await site.value("place_order", "ada", cart_id=cart, as_customer=True, **ORDER)
    assert site.checkouts.grants == [""]
    assert site.ada.calls == 0
    assert await site.refusal("view_cart", None, cart_id=cart) == "cart_not_found"
