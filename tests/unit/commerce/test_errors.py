"""The tree in the docstring is the tree in the code, and every error is a sentence that says what to do."""

import pytest

from storefront_mcp.commerce import errors
from storefront_mcp.commerce.error_details import ServedCountries, ShippingOffers, VariantChoices
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import CustomOption, Variant
from storefront_mcp.commerce.shipping import ShippingMethod
from tests.fakes.exception_trees import drawn, grown

VARIANT = Variant(sku=Sku("SHIRT-S"), options={"Size": "S"})
POST = ShippingMethod("post", "Post", Money(500, "AUD"))
OPTION = CustomOption(id="7", title="Name", kind="text")

SAMPLES = [
    (errors.ProductNotFound("X-1"), "'X-1'", None),
    (errors.CategoryNotFound("hats"), "list_categories", None),
    (errors.PageNotFound("imprint"), "'imprint'", None),
    (errors.CursorRefused(), "next_cursor", None),
    (errors.CartNotFound(), "create_cart", None),
    (errors.CartGone(), "add_to_cart", None),
    (errors.LineNotFound("9"), "view_cart", None),
    (errors.OutOfStock("X-1"), "another product", None),
    (errors.NotEnoughStock("X-1"), "stock. Ask for fewer", None),
    (errors.NotEnoughStock("X-1", available=3), "Only 3 can be bought", None),
    (errors.VariantNeeded("SHIRT", [VARIANT]), "Choose one", VariantChoices(variants=(VARIANT,))),
    (errors.VariantNeeded("SHIRT", []), "Choose one", None),
    (
        errors.OptionsNeeded("JAR", "It needs 'Name'.", [OPTION]),
        "needs",
        VariantChoices(custom_options=(OPTION,)),
    ),
    (errors.OptionsNeeded("JAR", "It needs 'Name'."), "needs", None),
    (errors.QuantityRefused("Sold in sixes."), "Sold in sixes.", None),
    (errors.CouponRejected("OLD"), "not valid for this cart. Do not guess", None),
    (errors.CouponRejected("OLD", dropped="TEN"), "took 'TEN' off the cart", None),
    (errors.GiftCardRejected("The shop does not take it"), "take it. Check the code with the buyer", None),
    (errors.CountryNotServed("NZ"), "'NZ'", None),
    (errors.CountryNotServed("NZ", ["AU"]), "'NZ'", ServedCountries(("AU",))),
    (errors.AddressRefused("The postcode is missing."), "postcode", None),
    (errors.CartEmpty(), "add_to_cart", None),
    (errors.ShippingMethodRefused("drone"), "'drone'", None),
    (errors.ShippingMethodRefused("drone", [POST]), "one of the methods", ShippingOffers((POST,))),
    (errors.OrderRefused("Not today.", internal="400"), "did not take the order: Not today.", None),
    (errors.EmailRefused(), "Ask the buyer", None),
    (errors.NoWayToPay(), "own website", None),
    (errors.TotalRefused("Too small.", "At least AUD 0.50"), "At least AUD 0.50. Change the cart", None),
    (errors.CheckoutNotFound(), "place_order", None),
    (
        errors.CheckoutNotFound(staff="the shop (+61)"),
        "send the buyer to the shop (+61)",
        None,
    ),
    (errors.CartBeingOrdered("chk_1"), "get_order_status", None),
    (errors.CartOrdered("chk_1", "100000001", staff="the shop (+61)"), "order 100000001 (chk_1)", None),
    (errors.CartOrdered("chk_1", None), "create_cart", None),
    (errors.KeyReused(), "a new key", None),
    (errors.PaymentDown(internal="503"), "Nothing was changed", None),
    (errors.ShopBusy(retry_after=7, internal="429"), "in 7 seconds", None),
    (errors.ShopRefused("Not on Sundays.", internal="400"), "Not on Sundays.", None),
    (errors.ShopDown(internal="connect timeout"), "Nothing was changed", None),
    (errors.ShopOutcomeUnknown(internal="read timeout"), "view_cart", None),
    (errors.ShopMisconfigured("404 on /api"), "operator", None),
]


def test_the_docstring_draws_the_tree_of_classes() -> None:
    assert drawn(errors.__doc__) == grown(ShopError)


def test_there_is_a_sample_of_every_error() -> None:
    assert {type(error).__name__ for error, _, _ in SAMPLES} | {"ShopError"} == set(grown(ShopError))


@pytest.mark.parametrize(("error", "says", "detail"), SAMPLES, ids=lambda value: type(value).__name__)
def test_an_error_says_what_to_do_and_brings_the_choices(error: ShopError, says: str, detail: object) -> None:
    assert says in str(error)
    assert error.detail == detail


def test_what_is_for_our_log_is_not_said_outside() -> None:
    error = errors.ShopMisconfigured("404 on /api")
    assert error.internal == "404 on /api"
    assert "404" not in str(error)
    assert errors.CartNotFound().internal == str(errors.CartNotFound())
