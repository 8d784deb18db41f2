"""Routes for a guest cart: the cart itself, its lines, coupon and gift cards."""

import html
from typing import Any, Final

import msgspec
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from storefront_mcp.demo.api_errors import ApiError, bad_request, check_storable, not_found
from storefront_mcp.demo.cart_shapes import cart_shape, prices_shape
from storefront_mcp.demo.catalogue.model import DemoProduct
from storefront_mcp.demo.coupons import find_coupon
from storefront_mcp.demo.currencies import AUD, CURRENCIES
from storefront_mcp.demo.http import PREFIX, ApiCall, InjectedCall, endpoint, whole_number
from storefront_mcp.demo.models import DemoCart, DemoCartLine
from storefront_mcp.demo.product_choices import check_quantity, choose, chosen_members
from storefront_mcp.demo.totals import goods_cents

MAX_QUANTITY: Final = 10_000
MAX_COUPONS_PER_MINUTE: Final = 20
MAX_GIFT_CARDS_PER_MINUTE: Final = 10


def cart_response(call: ApiCall, cart: DemoCart, *, status: int = 200, recreated: bool = False) -> ASGIResponse:
    """Response with the whole cart."""
    return call.resource(
        "Cart",
        cart_shape(call.state, cart, call.currency, recreated=recreated, computations=call.computations),
        status=status,
    )


@endpoint("POST", "/guest-carts")
async def create_cart(call: InjectedCall) -> ASGIResponse:
    """201 with an empty cart."""
    cart = call.state.new_cart()
    shape = cart_shape(call.state, cart, call.currency)
    return call.resource("Cart", shape, status=201, location=f"{PREFIX}/carts/{cart.id}")


@endpoint("GET", "/guest-carts/{masked:str}")
async def get_guest_cart(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """The cart."""
    return cart_response(call, call.state.open_cart(masked))


@endpoint("GET", "/guest-carts/{masked:str}/totals")
async def get_totals(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """The prices alone."""
    cart = call.state.open_cart(masked)
    return call.bare(prices_shape(call.state.totals(cart, call.currency), call.state.totals(cart, AUD.code)))


# --- lines ----------------------------------------------------------------------------------------------------------


@endpoint("POST", "/guest-carts/{masked:str}/items")
async def add_item(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """200 with the cart; an unknown or ordered cart gives another one, under another masked id."""
    found = call.state.carts.get(masked)
    cart = add_line(call, found if found is not None and found.active else None)
    return cart_response(call, cart, recreated=cart.masked_id != masked)


@endpoint("PUT", "/guest-carts/{masked:str}/items/{number:str}")
async def update_item(call: InjectedCall, masked: FromPath[str], number: FromPath[str]) -> ASGIResponse:
    """A new quantity, which is not checked against the stock."""
    return cart_response(call, change_line(call, masked, number))


@endpoint("DELETE", "/guest-carts/{masked:str}/items/{number:str}", shares_path=True)
async def remove_item(call: InjectedCall, masked: FromPath[str], number: FromPath[str]) -> ASGIResponse:
    """200 with the cart."""
    return cart_response(call, remove_line(call, masked, number))


def add_line(call: ApiCall, cart: DemoCart | None) -> DemoCart:
    """Add the body's product to the cart or a new one, a grouped one as its members; equal choices share a line."""
    catalogue, qty = call.state.catalogue, _quantity(call.body.get("qty", 1))
    product = catalogue.by_sku(str(call.body.get("sku") or ""))
    if product is None or not product.members:
        return _with_line(call, cart, _new_line(call, product, qty))
    for member, pieces in chosen_members(catalogue, product, call.body):
        line = _new_line(call, member, pieces)
        cart = _with_line(call, cart, msgspec.structs.replace(line, product_type="grouped"))
    return cart or call.state.new_cart()


def _with_line(call: ApiCall, cart: DemoCart | None, line: DemoCartLine) -> DemoCart:
    state, lines = call.state, () if cart is None else cart.lines
    same = next((old for old in lines if old.sku == line.sku and old.options == line.options), None)
    wanted = sum(old.qty for old in lines if old.sku == line.sku) + line.qty
    if not state.covers(line.sku, 1):
        raise ApiError(422, "unprocessable_entity", "This product is currently out of stock.")
    check_quantity(state.catalogue.products[line.product_id], wanted)
    if not state.covers(line.sku, wanted):
        raise ApiError(422, "unprocessable_entity", f'The requested quantity for "{line.name}" is not available.')
    if same is None:
        lines = (*lines, line)
    else:
        larger = msgspec.structs.replace(same, qty=same.qty + line.qty)
        lines = tuple(larger if old is same else old for old in lines)
    return state.update_cart(cart or state.new_cart(), lines=lines)


def change_line(call: ApiCall, masked: str, number: str) -> DemoCart:
    """The cart with another quantity on a line."""
    cart, qty = call.state.open_cart(masked), _quantity(call.body.get("qty"))
    line_id = _line_id(cart, number)
    lines = [msgspec.structs.replace(line, qty=qty) if line.id == line_id else line for line in cart.lines]
    return call.state.update_cart(cart, lines=tuple(lines))


def remove_line(call: ApiCall, masked: str, number: str) -> DemoCart:
    """The cart without a line."""
    cart = call.state.open_cart(masked)
    line_id = _line_id(cart, number)
    return call.state.update_cart(cart, lines=tuple(line for line in cart.lines if line.id != line_id))


def _quantity(given: Any) -> int:  # noqa: ANN401 -- JSON
    """A quantity as PHP would cast it: "2" is 2 and 1.5 is 1; 400 for 0 and less, and above the limit."""
    try:
        qty = int(float(given))
    except (TypeError, ValueError, OverflowError):
        qty = 0
    if qty <= 0:
        raise bad_request("Quantity must be greater than zero")
    if qty > MAX_QUANTITY:
        raise bad_request(f"Quantity cannot exceed {MAX_QUANTITY:,}")
    return qty


def _new_line(call: ApiCall, product: DemoProduct | None, qty: int) -> DemoCartLine:
    """The line of a body; a variant becomes a line of its parent at the parent's price."""
    catalogue = call.state.catalogue
    if product is None:
        raise bad_request(f"Product with SKU '{call.body.get('sku') or ''}' not found")
    if product.disabled:
        raise bad_request(f"Product '{product.sku}' is not available")
    if product.variants:
        raise bad_request("Failed to add product: Please specify the product's option(s).")
    listed = catalogue.products[product.parent] if product.parent else product
    chosen, surcharge, suffix = _chosen_options(product, call.body.get("options"))
    parts, cents = choose(catalogue, listed, call.body, qty, CURRENCIES[call.currency])
    attributes = catalogue.attributes
    axes = [(attributes[code].label, attributes[code].label_of(product.attributes[code])) for code in listed.axes]
    return DemoCartLine(
        id=call.state.next_number("line"),
        sku=product.sku,
        sku_suffix=suffix,
        name=listed.name,
        product_id=listed.id,
        product_type="virtual" if product.virtual else "configurable" if product.parent else product.kind,
        qty=qty,
        cents=cents + surcharge,
        grams=product.grams,
        options=(*axes, *chosen, *parts),
    )


def _chosen_options(product: DemoProduct, given: Any) -> tuple[list[tuple[str, str]], int, str]:  # noqa: ANN401
    """Label and value of each custom option, and what they add in AUD cents and to the SKU; `given` is by option id.

    400 without a required option; an unknown value of a drop-down is dropped without an error.
    """
    answers = given if isinstance(given, dict) else {}
    chosen: list[tuple[str, str]] = []
    cents, suffix = 0, ""
    for option in product.options:
        answer = answers.get(str(option.id))
        if answer is None or answer == "":
            if option.required:
                message = f"Please specify the product required option <em>{option.title}</em>."
                raise bad_request(f"Failed to add product: {message}")
        elif option.kind in {"field", "area"}:
            if option.max_length and len(str(answer)) > option.max_length:
                raise bad_request("Failed to add product: The text is too long")
            check_storable(str(answer))
            chosen.append((option.title, str(answer)))
            cents += option.cents
        elif option.kind in {"date", "date_time"}:
            # Only ISO text is understood, and the label of it is garbled.
            if not isinstance(answer, str):
                raise bad_request(
                    f"Failed to add product: Please specify date required option <em>{option.title}</em>."
                )
            chosen.append((option.title, f"MarMarMar {answer}"))
        else:
            wanted = {str(one) for one in (answer if isinstance(answer, list) else [answer])}
            picked = [choice for choice in option.choices if str(choice.id) in wanted]
            if picked:
                chosen.append((option.title, ", ".join(html.escape(choice.title) for choice in picked)))
                cents += sum(choice.cents + product.price * choice.percent // 100 for choice in picked)
            if len(picked) > 1:
                suffix += "-" * len(picked)  # the choices' own SKUs, all of them empty
    return chosen, cents, suffix


def _line_id(cart: DemoCart, number: str) -> int:
    line_id = whole_number(number) or 0
    if all(line.id != line_id for line in cart.lines):
        raise not_found(f"Cart item with ID '{number}' not found")
    return line_id


# --- coupon and gift cards --------------------------------------------------------------------------------------------


@endpoint("PUT", "/guest-carts/{masked:str}/coupon")
async def apply_coupon(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """An unknown code keeps the earlier coupon, one that does not apply removes it."""
    cart = call.state.open_cart(masked)
    code = str(call.body.get("couponCode") or call.body.get("code") or "").strip()
    if not code:
        raise bad_request("Coupon code is required")
    call.state.attempts.count("coupon", call.client, most=MAX_COUPONS_PER_MINUTE, seconds=60)
    coupon = find_coupon(code)
    if coupon is None:
        raise ApiError(400, "invalid_coupon", f"Coupon code '{code}' is not valid")
    if not coupon.applies(goods_cents(cart)):
        call.state.update_cart(cart, coupon=None)
        raise ApiError(400, "invalid_coupon", f"Coupon code '{code}' could not be applied")
    return cart_response(call, call.state.update_cart(cart, coupon=code))


@endpoint("DELETE", "/guest-carts/{masked:str}/coupon", shares_path=True)
async def remove_coupon(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """204, also when there was none."""
    call.state.update_cart(call.state.open_cart(masked), coupon=None)
    return call.empty()


@endpoint("POST", "/guest-carts/{masked:str}/giftcards")
async def apply_gift_card(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """The cart, paid by the card up to its balance."""
    cart = call.state.open_cart(masked)
    code = str(call.body.get("giftcardCode") or "").strip()
    if not code:
        raise bad_request("Gift card code is required")
    call.state.attempts.count("gift card", call.client, most=MAX_GIFT_CARDS_PER_MINUTE, seconds=60)
    if code in cart.gift_cards:
        raise bad_request(f'Gift card "{code}" is already applied')
    if not call.state.balances.get(code):
        raise bad_request(f'Gift card "{code}" is not valid')
    return cart_response(call, call.state.update_cart(cart, gift_cards=(*cart.gift_cards, code)))


@endpoint("DELETE", "/guest-carts/{masked:str}/giftcards/{code:str}")
async def remove_gift_card(call: InjectedCall, masked: FromPath[str], code: FromPath[str]) -> ASGIResponse:
    """204."""
    cart = call.state.open_cart(masked)
    if code not in cart.gift_cards:
        raise bad_request(f'Gift card "{code}" is not applied to this cart')
    call.state.update_cart(cart, gift_cards=tuple(other for other in cart.gift_cards if other != code))
    return call.empty()


LINES: Final = (add_item, update_item, remove_item)
COUPONS: Final = (apply_coupon, remove_coupon)
GIFT_CARDS: Final = (apply_gift_card, remove_gift_card)
ROUTES: Final = (create_cart, get_guest_cart, get_totals, *LINES, *COUPONS, *GIFT_CARDS)
