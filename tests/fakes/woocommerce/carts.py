"""Carts as the Store API shows and changes them."""

import hashlib
import re
from html import escape
from typing import Any

from storefront_mcp.backends.postal.countries import _names
from storefront_mcp.demo.catalogue.model import DemoProduct
from tests.fakes.woocommerce.catalogue import SITE, UNCOUNTED, invalid_all, prices, values_of
from tests.fakes.woocommerce.state import COUPONS, Refused, WooCart, WooLine, WooState

STATES = {
    "AU": "ACT NSW NT QLD SA TAS VIC WA".split(),
    "US": "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY".split(),
    "NZ": "NTL AUK WKO BOP TKI GIS HKB MWT WGN NSN MBH TAS WTC CAN OTA SOU".split(),
}
COUNTRIES = set(_names().values()) - {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
Body = dict[str, Any]


class Amounts:
    """The arithmetic of one cart."""

    def __init__(self, state: WooState, cart: WooCart) -> None:
        self.items: list[tuple[int, int]] = []
        """Net and tax of each line before discounts."""
        self.after: list[tuple[int, int]] = []
        """The same after them."""
        shown = [state.units(state.priced(_product(state, line)).price) * line.quantity for line in cart.lines.values()]
        fixed = sum(state.units(COUPONS[code][1]) for code in cart.coupons if COUPONS[code][0] == "fixed_cart")
        for amount in shown:
            self.items.append(state.taxed(amount, shown=True))
            share = sum(COUPONS[code][1] for code in cart.coupons if COUPONS[code][0] == "percent")
            left = amount - round(amount * share / 100)
            taken = min(left, fixed)
            fixed -= taken
            self.after.append(state.taxed(left - taken, shown=True))
        self.needs_shipping = any(not _product(state, line).virtual for line in cart.lines.values())
        self.packages = _packages(state, cart) if self.needs_shipping else []
        chosen = [rate for package in self.packages for rate in package["shipping_rates"] if rate["selected"]]
        self.shipping = sum(int(rate["price"]) for rate in chosen)
        self.shipping_tax = sum(int(rate["taxes"]) for rate in chosen)
        self.tax = sum(tax for _, tax in self.after) + self.shipping_tax
        self.total = sum(net for net, _ in self.after) + self.shipping + self.tax


def _product(state: WooState, line: WooLine) -> DemoProduct:
    return state.catalogue.products[line.product]


def _packages(state: WooState, cart: WooCart) -> list[Body]:
    if not cart.lines or cart.shipping["country"] not in state.served:
        return []
    packages = []
    lines = list(cart.lines.values())
    for number in range(min(state.packages, len(lines))):
        rates = []
        selected = cart.rates.get(number)
        offered = state.abroad_rates if cart.shipping["country"] in state.abroad else state.home_rates
        selected = selected if selected in offered else next(iter(offered))
        for rate, (name, cents) in offered.items():
            net, tax = state.taxed(state.units(cents), shown=False)
            rates.append(
                {
                    "rate_id": rate,
                    "name": name,
                    "description": "",
                    "delivery_time": "",
                    "price": str(net),
                    "taxes": str(tax),
                    "instance_id": int(rate.rpartition(":")[2]),
                    "method_id": rate.partition(":")[0],
                    "meta_data": [],
                    "selected": rate == selected,
                    **state.money,
                }
            )
        packages.append(
            {
                "package_id": number,
                "name": "Shipment",
                "destination": {key: cart.shipping[key] for key in ("city", "state", "postcode", "country")},
                "items": [{"key": line.key, "quantity": line.quantity} for line in lines[number :: state.packages]],
                "shipping_rates": rates,
            }
        )
    return packages


def _item(state: WooState, line: WooLine, before: tuple[int, int], after: tuple[int, int]) -> Body:
    product = _product(state, line)
    left = state.left(product)
    parent = product if product.parent is None else state.catalogue.products[product.parent]
    told = prices(state, product)
    return {
        "key": line.key,
        "id": product.id,
        "type": "simple" if product.parent is None else "variation",
        "quantity": line.quantity,
        "quantity_limits": {
            "minimum": 1,
            "maximum": UNCOUNTED if left is None else left,
            "multiple_of": 1,
            "editable": True,
        },
        "name": escape(parent.name),
        "short_description": "",
        "description": "",
        "sku": product.sku,
        "low_stock_remaining": None,
        "backorders_allowed": product.sku in state.backorders,
        "show_backorder_badge": False,
        "sold_individually": False,
        "permalink": f"{SITE}/product/{parent.url_key}/",
        "images": [],
        "variation": [
            {"raw_attribute": f"attribute_{label.lower()}", "attribute": label, "value": value}
            for label, value in values_of(state, product).items()
        ],
        "item_data": [],
        "prices": {**told, "raw_prices": {"precision": 6, "price": told["price"] + "0000"}},
        "totals": {
            "line_subtotal": str(before[0]),
            "line_subtotal_tax": str(before[1]),
            "line_total": str(after[0]),
            "line_total_tax": str(after[1]),
            **state.money,
        },
        "catalog_visibility": "visible",
        "extensions": {},
    }


def cart_body(state: WooState, cart: WooCart) -> Body:
    """The whole cart."""
    amounts = Amounts(state, cart)
    items = sum(net for net, _ in amounts.items), sum(tax for _, tax in amounts.items)
    after = sum(net for net, _ in amounts.after), sum(tax for _, tax in amounts.after)
    discount, discount_tax = items[0] - after[0], items[1] - after[1]
    shipping = str(amounts.shipping) if amounts.packages else None
    return {
        "items": [
            _item(state, line, before, last)
            for line, before, last in zip(cart.lines.values(), amounts.items, amounts.after, strict=True)
        ],
        "coupons": [
            {
                "code": code,
                "discount_type": COUPONS[code][0],
                "totals": {"total_discount": str(discount), "total_discount_tax": str(discount_tax), **state.money},
            }
            for code in cart.coupons
        ],
        "fees": [],
        "totals": {
            "total_items": str(items[0]),
            "total_items_tax": str(items[1]),
            "total_fees": "0",
            "total_fees_tax": "0",
            "total_discount": str(discount),
            "total_discount_tax": str(discount_tax),
            "total_shipping": shipping,
            "total_shipping_tax": None if shipping is None else str(amounts.shipping_tax),
            "total_price": str(amounts.total),
            "total_tax": str(amounts.tax),
            "tax_lines": [],
            **state.money,
        },
        "shipping_address": cart.shipping,
        "billing_address": cart.billing,
        "needs_payment": amounts.total > 0,
        "needs_shipping": amounts.needs_shipping,
        "payment_requirements": ["products"],
        "has_calculated_shipping": bool(amounts.packages),
        "shipping_rates": amounts.packages,
        "items_count": sum(line.quantity for line in cart.lines.values()),
        "items_weight": 0,
        "cross_sells": [],
        "errors": [wrong for line in cart.lines.values() if (wrong := stock_problem(state, line)) is not None],
        "payment_methods": list(state.methods),
        "extensions": {},
    }


def stock_problem(state: WooState, line: WooLine) -> Body | None:
    """What is wrong with a line by now."""
    product = _product(state, line)
    left = state.left(product)
    if left is None or line.quantity <= left:
        return None
    name = escape(state.catalogue.products[product.parent].name if product.parent else product.name)
    if left == 0:
        return {"code": "woocommerce_rest_product_out_of_stock", "message": f"&quot;{name}&quot; is out of stock."}
    said = f"There is not enough &quot;{name}&quot; in stock."
    return {"code": "woocommerce_rest_product_partially_out_of_stock", "message": said}


def add_item(state: WooState, cart: WooCart, body: Body) -> None:
    """`POST /cart/add-item`."""
    number, quantity = body.get("id", 0), body.get("quantity", 1)
    found = state.find(number)
    if found is None:
        said = f"Product with ID &quot;{number}&quot; was not found and cannot be added to the cart."
        raise Refused(400, "woocommerce_rest_cart_invalid_product", said)
    name = f"&quot;{escape(found.name)}&quot;"
    if quantity <= 0:
        said = f"You cannot add {name} with a quantity less than or equal to 0 to the cart."
        raise Refused(400, "woocommerce_rest_product_invalid_quantity", said)
    if found.variants:
        found = _chosen(state, found, body.get("variation") or [])
    if found.members:
        raise Refused(400, "woocommerce_rest_product_not_purchasable", f"{name} is not available for purchase.")
    if found.kind in {"bundle", "giftcard"} or any(option.required for option in found.options):
        said = f"{escape(found.options[0].title if found.options else 'A choice')} is a required field."
        raise Refused(400, "woocommerce_rest_add_to_cart_error", said)
    left = state.left(found)
    key = hashlib.md5(str(found.id).encode(), usedforsecurity=False).hexdigest()
    held = cart.lines[key].quantity if key in cart.lines else 0
    if left == 0:
        said = f"You cannot add {name} to the cart because the product is out of stock."
        raise Refused(400, "woocommerce_rest_product_out_of_stock", said)
    if left is not None and held + quantity > left:
        said = f"You cannot add that amount of {name} to the cart because there is not enough stock ({left} remaining)."
        raise Refused(400, "woocommerce_rest_product_partially_out_of_stock", said)
    cart.lines[key] = WooLine(key=key, product=found.id, quantity=held + quantity)


def _chosen(state: WooState, parent: DemoProduct, variation: list[Body]) -> DemoProduct:
    asked = {one["attribute"]: one["value"] for one in variation}
    children = [state.catalogue.products[child] for child in parent.variants]
    found = [one for one in children if asked and values_of(state, one) == asked]
    if not found:
        raise Refused(400, "woocommerce_rest_missing_attributes", "Missing attributes for variable product.")
    return found[0]


def _line(state: WooState, cart: WooCart, body: Body, message: str) -> WooLine:
    line = cart.lines.get(body.get("key", ""))
    if line is None:
        raise Refused(409, "woocommerce_rest_cart_invalid_key", message, cart=cart_body(state, cart))
    return line


def update_item(state: WooState, cart: WooCart, body: Body) -> None:
    """`POST /cart/update-item`."""
    line, quantity = _line(state, cart, body, "Cart item does not exist."), body.get("quantity", 1)
    product = _product(state, line)
    name, left = f"&quot;{escape(product.name)}&quot;", state.left(product)
    most = UNCOUNTED if left is None else left
    if quantity < 1:
        raise Refused(400, "invalid_quantity", f"The minimum quantity of {name} allowed in the cart is 1")
    if quantity > most:
        raise Refused(400, "invalid_quantity", f"The maximum quantity of {name} allowed in the cart is {most}")
    line.quantity = quantity


def remove_item(state: WooState, cart: WooCart, body: Body) -> None:
    """`POST /cart/remove-item`."""
    line = _line(state, cart, body, "Cart item no longer exists or is invalid.")
    del cart.lines[line.key]


def apply_coupon(state: WooState, cart: WooCart, body: Body) -> None:
    """`POST /cart/apply-coupon`; codes are in lower case from then on."""
    code = str(body.get("code", "")).lower()
    said = f"Coupon &quot;{escape(code)}&quot; cannot be applied because it does not exist."
    if code in cart.coupons:
        said = f"Coupon code &quot;{code}&quot; has already been applied."
    if code in COUPONS and sum(net + tax for net, tax in Amounts(state, cart).items) < state.units(COUPONS[code][2]):
        said = f"The minimum spend for coupon &quot;{code}&quot; is more."
        raise Refused(400, "woocommerce_rest_cart_coupon_error", said)
    if code not in COUPONS or code in cart.coupons:
        raise Refused(400, "woocommerce_rest_cart_coupon_error", said)
    cart.coupons.append(code)


def remove_coupon(state: WooState, cart: WooCart, body: Body) -> None:
    """`POST /cart/remove-coupon`."""
    code = str(body.get("code", "")).lower()
    if code not in cart.coupons:
        said = "Coupon cannot be removed because it is not already applied to the cart."
        raise Refused(409, "woocommerce_rest_cart_coupon_invalid_code", said, cart=cart_body(state, cart))
    cart.coupons.remove(code)


def select_rate(state: WooState, cart: WooCart, body: Body) -> None:
    """`POST /cart/select-shipping-rate`: one that there is not changes nothing, and is no error."""
    rates = {rate["rate_id"] for package in Amounts(state, cart).packages for rate in package["shipping_rates"]}
    if body.get("rate_id") in rates:
        cart.rates[int(body.get("package_id", 0))] = body["rate_id"]


def update_customer(state: WooState, cart: WooCart, body: Body) -> None:
    """`POST /cart/update-customer`: what is not named stays."""
    kept = {"billing_address": cart.billing, "shipping_address": cart.shipping}
    given = {name: {key: str(value) for key, value in (body.get(name) or {}).items()} for name in kept}
    check_addresses({name: {**kept[name], **given[name]} for name in kept})
    for name, address in given.items():
        kept[name].update(address)


def check_addresses(addresses: dict[str, dict[str, str]]) -> None:
    """Refuse addresses by what is wrong with them before anybody wants them whole."""
    wrong = {name: told for name, one in addresses.items() if (told := _address_problem(one)) is not None}
    if wrong:
        raise invalid_all(wrong)


def _address_problem(address: dict[str, str]) -> tuple[str, str] | None:
    """Code and message."""
    country, region = address.get("country", ""), address.get("state", "").upper()
    if country and country not in COUNTRIES:
        listed = ", ".join(sorted(COUNTRIES))
        return "invalid_country", f"Invalid country code provided. Must be one of: {listed}"
    states = STATES.get(country)
    if region and states and region not in states:
        said = f"The provided state ({region}) is not valid. Must be one of: {', '.join(states)}"
        return "invalid_state", said
    if address.get("email") and not EMAIL.fullmatch(address["email"]):
        return "invalid_email", "The provided email address is not valid"
    return None
