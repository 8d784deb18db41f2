"""Carts of the stand-in: lines, addresses, promotions, shipping. Every change works out the cart anew."""

from fractions import Fraction
from typing import Any

from tests.fakes.medusa.answers import MedusaCall, MedusaRefusal, Route, invalid, missing
from tests.fakes.medusa.catalogue_calls import region_of, unit_price
from tests.fakes.medusa.state import BEGAN, MedusaState
from tests.fakes.medusa.stock import Json
from tests.fakes.medusa.totals import RowTotals, amount_in, discounts, number, totals

ADDRESS_FIELDS = (
    *("first_name", "last_name", "company", "address_1", "address_2", "city", "postal_code", "country_code"),
    *("province", "phone"),
)
BUYER_FIELDS = ("email", "shipping_address", "billing_address", "metadata")


def create_cart(call: MedusaCall) -> Json:
    """`POST /store/carts`: without a region, in the first one."""
    wanted = call.body.get("region_id") or next(iter(call.state.regions))
    if wanted not in call.state.regions:
        raise missing("No regions found")
    cart: Json = {
        "id": call.state.id("cart"),
        "region_id": wanted,
        "email": None,
        "customer_id": None,
        "completed_at": None,
        "metadata": None,
        "items": [],
        "codes": [],
        "ways": [],
        "shipping_address": None,
        "billing_address": None,
        "payment_collection": None,
    }
    countries = call.state.regions[wanted]["countries"]
    if len(countries) == 1:
        cart["shipping_address"] = {**dict.fromkeys(ADDRESS_FIELDS), "country_code": countries[0]}
    for item in call.body.get("items", ()):
        _put(call.state, cart, item["variant_id"], item["quantity"])
    _change_buyer(call, cart)
    _use_codes(call.state, cart, call.body.get("promo_codes", ()))
    call.state.carts[cart["id"]] = cart
    return {"cart": cart_of(call.state, cart)}


def get_cart(call: MedusaCall) -> Json:
    """`GET /store/carts/{id}`, also of one that became an order."""
    return {"cart": cart_of(call.state, find_cart(call))}


def change_cart(call: MedusaCall) -> Json:
    """`POST /store/carts/{id}`."""
    cart = open_cart(call)
    _change_buyer(call, cart)
    return _changed(call.state, cart)


def add_line(call: MedusaCall) -> Json:
    """`POST /store/carts/{id}/line-items`."""
    cart = open_cart(call)
    if call.body["quantity"] <= 0:
        raise invalid("Invalid request: Value for field 'quantity' too small, expected at least: '0'")
    _put(call.state, cart, call.body["variant_id"], call.body["quantity"])
    return _changed(call.state, cart)


def change_line(call: MedusaCall) -> Json:
    """`POST /store/carts/{id}/line-items/{line}`: a quantity of 0 removes it."""
    cart = open_cart(call)
    line = next((one for one in cart["items"] if one["id"] == call.ids[1]), None)
    if line is None:
        raise missing(f"Line item with id: {call.ids[1]} was not found")
    check_stock(call.state, line["variant_id"], call.body["quantity"])
    line["quantity"] = call.body["quantity"]
    cart["items"] = [one for one in cart["items"] if one["quantity"]]
    return _changed(call.state, cart)


def remove_line(call: MedusaCall) -> Json:
    """`DELETE /store/carts/{id}/line-items/{line}`, of a line that is not there, too."""
    cart = open_cart(call)
    cart["items"] = [one for one in cart["items"] if one["id"] != call.ids[1]]
    parent = _changed(call.state, cart)["cart"]
    return {"id": call.ids[1], "object": "line-item", "deleted": True, "parent": parent}


def add_codes(call: MedusaCall) -> Json:
    """`POST /store/carts/{id}/promotions`."""
    cart = open_cart(call)
    _use_codes(call.state, cart, call.body["promo_codes"])
    return _changed(call.state, cart)


def remove_codes(call: MedusaCall) -> Json:
    """`DELETE /store/carts/{id}/promotions`, with a body."""
    cart = open_cart(call)
    cart["codes"] = [one for one in cart["codes"] if one not in call.body["promo_codes"]]
    return _changed(call.state, cart)


def list_shipping(call: MedusaCall) -> Json:
    """`GET /store/shipping-options`: before there is an address, those of all countries of the region."""
    cart = call.state.carts.get(call.value("cart_id"))
    if cart is None:
        raise missing(f"Cart with id '{call.value('cart_id')}' not found")
    return {"shipping_options": [_option_of(call.state, cart, one) for one in _offered(call.state, cart)]}


def choose_shipping(call: MedusaCall) -> Json:
    """`POST /store/carts/{id}/shipping-methods`: in place of the one that was chosen."""
    cart = open_cart(call)
    if call.body["option_id"] not in {one["id"] for one in _offered(call.state, cart)}:
        raise invalid("Shipping Options are invalid for cart.")
    cart["ways"] = [call.body["option_id"]]
    return _changed(call.state, cart)


def find_cart(call: MedusaCall) -> Json:
    """The cart that the path names."""
    found = call.state.carts.get(call.ids[0])
    if found is None:
        raise missing(f"Cart with id '{call.ids[0]}' not found")
    return found


def open_cart(call: MedusaCall) -> Json:
    """As `find_cart`; one that became an order is refused."""
    found = find_cart(call)
    if found["completed_at"]:
        raise invalid(f"Cart {found['id']} is already completed.")
    return found


def check_stock(state: MedusaState, variant: str, quantity: int) -> None:
    """Refuse more than there is."""
    kept = state.variants[variant]
    if kept["manage_inventory"] and not kept["allow_backorder"] and quantity > kept["stock"]:
        message = "Some variant does not have the required inventory"
        raise MedusaRefusal(400, "not_allowed", message, code="insufficient_inventory")


def _put(state: MedusaState, cart: Json, variant: str, quantity: int) -> None:
    region = state.regions[cart["region_id"]]
    if variant not in state.variants or unit_price(state.variants[variant], region) is None:
        raise invalid(f"Variants {variant} do not exist or belong to a product that is not published")
    line = next((one for one in cart["items"] if one["variant_id"] == variant), None)
    check_stock(state, variant, quantity + (line["quantity"] if line else 0))
    if line is None:
        cart["items"].append({"id": state.id("cali"), "variant_id": variant, "quantity": quantity})
    else:
        line["quantity"] += quantity


def _change_buyer(call: MedusaCall, cart: Json) -> None:
    countries = call.state.regions[cart["region_id"]]["countries"]
    for kind in ("shipping_address", "billing_address"):
        address = call.body.get(kind)
        if not address:
            continue
        if unknown := [name for name in address if name not in ADDRESS_FIELDS]:
            raise invalid(f"Invalid request: Unrecognized fields: '{kind}, {unknown[0]}'")
        country = address.get("country_code")
        if kind == "shipping_address" and country not in countries:
            name = call.state.regions[cart["region_id"]]["name"]
            raise invalid(f"Country with code {country} is not within region {name}")
        cart[kind] = {**dict.fromkeys(ADDRESS_FIELDS), **address}
    if "metadata" in call.body:
        cart["metadata"] = call.body["metadata"]
    if "email" in call.body:
        owner = call.state.owner_of(cart, call.body["email"])
        cart["email"] = call.body["email"] if owner["has_account"] else owner["email"]
        cart["customer_id"] = owner["id"]


def _use_codes(state: MedusaState, cart: Json, codes: Any) -> None:
    for code in codes:
        if code not in state.promotions:
            raise invalid(f"The promotion code {code} is invalid")
    cart["codes"] = list(dict.fromkeys([*cart["codes"], *codes]))
    applied = worked_out(state, cart)[2]
    cart["codes"] = [code for code in cart["codes"] if code in applied]


def _changed(state: MedusaState, cart: Json) -> Json:
    """The cart after a change, which drops payment sessions, and ways of shipping that lead elsewhere."""
    drop_sessions(state, cart)
    offered = {one["id"] for one in _offered(state, cart)}
    cart["ways"] = [one for one in cart["ways"] if one in offered]
    return {"cart": cart_of(state, cart)}


def drop_sessions(state: MedusaState, cart: Json) -> None:
    """Forget how a cart was to be paid."""
    if cart["payment_collection"]:
        state.collections[cart["payment_collection"]]["sessions"] = []


def _offered(state: MedusaState, cart: Json) -> list[Json]:
    region = state.regions[cart["region_id"]]
    country = (cart["shipping_address"] or {}).get("country_code")
    within = {country} if country else set(region["countries"])
    return [
        one
        for one in state.shipping.values()
        if (within & set(one["countries"]) or not country)
        and amount_in(one["prices"], region["currency_code"]) is not None
    ]


def _option_of(state: MedusaState, cart: Json, option: Json) -> Json:
    region = state.regions[cart["region_id"]]
    amount = amount_in(option["prices"], region["currency_code"])
    lacking = any(one["quantity"] > state.variants[one["variant_id"]]["stock"] for one in cart["items"])
    return {
        "id": option["id"],
        "name": option["name"],
        "price_type": "flat",
        "shipping_profile_id": "sp_default",
        "provider_id": "manual_manual",
        "amount": number(amount or Fraction(0)),
        "is_tax_inclusive": region["is_tax_inclusive"],
        "insufficient_inventory": lacking,
    }


def worked_out(state: MedusaState, cart: Json) -> tuple[list[RowTotals], list[RowTotals], dict[str, list[Fraction]]]:
    """The rows of a cart, its ways of shipping, and what each code takes off."""
    region, percent = state.regions[cart["region_id"]], state.tax_percent(cart)
    inclusive, currency = region["is_tax_inclusive"], region["currency_code"]
    gross = [(unit_price(state.variants[one["variant_id"]], region) or 0) * one["quantity"] for one in cart["items"]]
    plain = [RowTotals(Fraction(one), percent=percent, inclusive=inclusive).subtotal for one in gross]
    off = discounts(state.promotions, cart["codes"], plain, goods=Fraction(sum(gross)), currency=currency)
    rows = [
        RowTotals(
            Fraction(row),
            percent=percent,
            inclusive=inclusive,
            discount=sum((taken[at] for taken in off.values()), Fraction()),
        )
        for at, row in enumerate(gross)
    ]
    amounts = [amount_in(state.shipping[one]["prices"], currency) or Fraction(0) for one in cart["ways"]]
    return rows, [RowTotals(one, percent=percent, inclusive=inclusive) for one in amounts], off


def cart_of(state: MedusaState, cart: Json) -> Json:
    """A cart as it is shown."""
    region = state.regions[cart["region_id"]]
    rows, ways, off = worked_out(state, cart)
    told = {name: cart[name] for name in ("id", "region_id", "customer_id", "completed_at", *BUYER_FIELDS)}
    # Medusa asks its database for lines in no order.
    items = [_item_of(state, one, region, at, off) for at, one in reversed([*enumerate(cart["items"])])]
    methods = [
        {
            "id": f"casm_{at}",
            "shipping_option_id": one,
            "name": state.shipping[one]["name"],
            "amount": number(amount_in(state.shipping[one]["prices"], region["currency_code"]) or Fraction(0)),
            "is_tax_inclusive": region["is_tax_inclusive"],
            "tax_lines": [],
            "adjustments": [],
        }
        for at, one in enumerate(cart["ways"])
    ]
    promotions = [{"id": state.promotions[one]["id"], "code": one, "is_automatic": False} for one in cart["codes"]]
    return {
        **told,
        **totals(rows, ways),
        "currency_code": region["currency_code"],
        "created_at": BEGAN,
        "items": items,
        "shipping_methods": methods,
        "promotions": [one for one in promotions if one["code"] in off],
        "credit_lines": [],
        "region": region_of(region),
    }


def _item_of(state: MedusaState, line: Json, region: Json, at: int, off: dict[str, list[Fraction]]) -> Json:
    variant = state.variants[line["variant_id"]]
    product = state.products[variant["product"]]
    price = unit_price(variant, region) or Fraction(0)
    listed = amount_in(variant["prices"], region["currency_code"])
    return {
        **line,
        "product_id": product["id"],
        "title": product["title"],
        "product_title": product["title"],
        "product_handle": product["handle"],
        "variant_sku": variant["sku"],
        "variant_title": variant["title"],
        "requires_shipping": variant["requires_shipping"],
        "unit_price": number(price),
        "compare_at_unit_price": number(listed) if listed is not None and listed != price else None,
        "is_tax_inclusive": region["is_tax_inclusive"],
        "adjustments": [{"code": code, "amount": number(taken[at])} for code, taken in off.items()],
    }


CART = "/store/carts/([^/]+)"
ROUTES = (
    Route(
        method="POST",
        path="/store/carts",
        handle=create_cart,
        body=("region_id", "items", "promo_codes", *BUYER_FIELDS, "currency_code", "sales_channel_id"),
    ),
    Route(method="GET", path=CART, handle=get_cart),
    Route(method="POST", path=CART, handle=change_cart, body=("region_id", "promo_codes", *BUYER_FIELDS)),
    Route(
        method="POST",
        path=f"{CART}/line-items",
        handle=add_line,
        required=("variant_id", "quantity"),
        body=("metadata",),
    ),
    Route(
        method="POST",
        path=f"{CART}/line-items/([^/]+)",
        handle=change_line,
        required=("quantity",),
        body=("metadata",),
    ),
    Route(method="DELETE", path=f"{CART}/line-items/([^/]+)", handle=remove_line),
    Route(method="POST", path=f"{CART}/promotions", handle=add_codes, required=("promo_codes",)),
    Route(method="DELETE", path=f"{CART}/promotions", handle=remove_codes, required=("promo_codes",)),
    Route(
        method="GET",
        path="/store/shipping-options",
        handle=list_shipping,
        query=("cart_id", "is_return", "limit", "offset"),
    ),
    Route(
        method="POST", path=f"{CART}/shipping-methods", handle=choose_shipping, required=("option_id",), body=("data",)
    ),
)
