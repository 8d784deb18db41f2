"""The guest cart: create it, read it, put lines in and take them out."""

from typing import Any, Final

import msgspec

from storefront_mcp.demo.carts import Cart, Line
from storefront_mcp.demo.catalogue.model import Product
from storefront_mcp.demo.money import AUD, CURRENCIES
from storefront_mcp.demo.receipts import cart_shape, prices_shape, rate_shape
from storefront_mcp.demo.state import ShopState
from storefront_mcp.demo.wire import PREFIX, Answer, Json, Refused, Request, bad_request, not_found, whole_number

MOST_PIECES: Final = 10_000


def changed(state: ShopState, cart: Cart, **changes: Any) -> Cart:  # noqa: ANN401 - any field of a cart
    """Keep the next version of a cart."""
    cart = msgspec.structs.replace(cart, updated=state.clock(), **changes)
    state.carts[cart.masked_id] = cart
    return cart


def rate_shapes(state: ShopState, cart: Cart, currency: str) -> list[Json]:
    """The offers for the address the cart knows, in a currency."""
    return [rate_shape(rate, CURRENCIES[currency]) for rate in state.rates(cart)]


def whole_cart(state: ShopState, cart: Cart, request: Request, *, status: int = 200, recreated: bool = False) -> Answer:
    """The cart as most calls answer it."""
    rates = rate_shapes(state, cart, request.currency)
    shape = cart_shape(state, cart, request.currency, rates, recreated=recreated)
    return Answer(content=shape, kind="Cart", status=status)


async def create(state: ShopState, request: Request) -> Answer:
    """`POST /guest-carts`: 201 with an empty cart."""
    cart = state.new_cart()
    answer = whole_cart(state, cart, request, status=201)
    return msgspec.structs.replace(answer, location=f"{PREFIX}/carts/{cart.id}")


async def view(state: ShopState, request: Request, masked: str) -> Answer:
    """`GET /guest-carts/{maskedId}`."""
    return whole_cart(state, state.open_cart(masked), request)


async def totals(state: ShopState, request: Request, masked: str) -> Answer:
    """`GET …/totals`: the bare prices, or the whole cart in the older fork."""
    cart = state.open_cart(masked)
    if state.traps.older_fork:
        return whole_cart(state, cart, request)
    return Answer(content=prices_shape(state.totals(cart, request.currency), state.totals(cart, AUD.code)))


# --- lines ----------------------------------------------------------------------------------------------------------


def _quantity(given: Any) -> int:  # noqa: ANN401 - JSON
    """A quantity as PHP would cast it: "2" is 2 and 1.5 is 1; 400 for 0 and less, and above the limit."""
    try:
        qty = int(float(given))
    except (TypeError, ValueError, OverflowError):
        qty = 0
    if qty <= 0:
        raise bad_request("Quantity must be greater than zero")
    if qty > MOST_PIECES:
        raise bad_request(f"Quantity cannot exceed {MOST_PIECES:,}")
    return qty


def _chosen(product: Product, given: Any) -> tuple[list[tuple[str, str]], int]:  # noqa: ANN401 - JSON
    """Labels and values of the custom options that were given, and what they add in cents.

    A required option that is missing is refused; an unknown value of a drop-down is dropped without a word.
    """
    answers = given if isinstance(given, dict) else {}
    chosen: list[tuple[str, str]] = []
    cents = 0
    for option in product.options:
        answer = answers.get(str(option.id))
        if answer is None or answer == "":
            if option.required:
                message = f"Please specify the product required option <em>{option.title}</em>."
                raise bad_request(f"Failed to add product: {message}")
        elif option.kind == "field":
            if len(str(answer)) > option.max_length:
                raise bad_request("Failed to add product: The text is too long")
            chosen.append((option.title, str(answer)))
            cents += option.cents
        else:
            for choice in option.choices:
                if str(choice.id) == str(answer):
                    chosen.append((option.title, choice.title))
                    cents += choice.cents
    return chosen, cents


def _new_line(state: ShopState, body: Json, qty: int) -> Line:
    """The line a body asks for; a variant becomes a line of its parent at the parent's price."""
    sku = str(body.get("sku") or "")
    product = state.catalogue.by_sku(sku)
    if product is None:
        raise bad_request(f"Product with SKU '{sku}' not found")
    if product.variants:
        raise bad_request("Failed to add product: Please specify the product's option(s).")
    shown = state.catalogue.products[product.parent] if product.parent else product
    chosen, surcharge = _chosen(product, body.get("options"))
    attributes = state.catalogue.attributes
    axes = [(attributes[code].label, attributes[code].label_of(product.attributes[code])) for code in shown.axes]
    return Line(
        id=state.number("line"),
        sku=product.sku,
        name=shown.name,
        product_id=shown.id,
        product_type="configurable" if product.parent else "simple",
        qty=qty,
        cents=shown.price + surcharge,
        grams=product.grams,
        options=(*axes, *chosen),
    )


async def add(state: ShopState, request: Request, masked: str) -> Answer:
    """`POST …/items`: 200 with the cart; a dead cart gives another one, under another masked id."""
    qty = _quantity(request.body.get("qty", 1))
    found = state.carts.get(masked)
    dead = found is None or not found.active
    if dead and state.traps.older_fork:
        raise not_found()
    line = _new_line(state, request.body, qty)
    lines = () if found is None or dead else found.lines
    same = next((old for old in lines if old.sku == line.sku and old.options == line.options), None)
    wanted = sum(old.qty for old in lines if old.sku == line.sku) + qty
    if state.stock[line.sku] <= 0:
        raise Refused(422, "unprocessable_entity", "This product is currently out of stock.")
    if wanted > state.stock[line.sku]:
        raise Refused(422, "unprocessable_entity", f'The requested quantity for "{line.name}" is not available.')
    cart = state.new_cart() if found is None or dead else found
    if same is not None:
        grown = msgspec.structs.replace(same, qty=same.qty + qty)
        lines = tuple(grown if old is same else old for old in lines)
    else:
        lines = (*lines, line)
    cart = changed(state, cart, lines=lines)
    return whole_cart(state, cart, request, status=201 if state.traps.older_fork else 200, recreated=dead)


def _line_number(cart: Cart, number: str) -> int:
    wanted = whole_number(number) or 0
    if all(line.id != wanted for line in cart.lines):
        raise not_found(f"Cart item with ID '{number}' not found")
    return wanted


async def update(state: ShopState, request: Request, masked: str, number: str) -> Answer:
    """`PUT …/items/{id}`: a new quantity, which is not checked against the stock."""
    cart = state.open_cart(masked)
    qty = _quantity(request.body.get("qty"))
    wanted = _line_number(cart, number)
    lines = [msgspec.structs.replace(line, qty=qty) if line.id == wanted else line for line in cart.lines]
    cart = changed(state, cart, lines=tuple(lines))
    return Answer() if state.traps.older_fork else whole_cart(state, cart, request)


async def remove(state: ShopState, request: Request, masked: str, number: str) -> Answer:
    """`DELETE …/items/{id}`: 200 with the cart."""
    cart = state.open_cart(masked)
    gone = _line_number(cart, number)
    cart = changed(state, cart, lines=tuple(line for line in cart.lines if line.id != gone))
    return Answer(status=204) if state.traps.older_fork else whole_cart(state, cart, request)
