"""A toy shop: the smallest interface that sells, described by its own OpenAPI document, with the demo shop's goods.

Amounts are cents of Australian dollars, tax included. It is sane where real shops are odd.
"""

import itertools
from typing import Any

from litestar import Litestar, Request, get, post, put
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct, field

from storefront_mcp.demo.catalogue.model import ROOT_CATEGORY_ID, DemoCatalogue, DemoProduct
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse
from tests.fakes.demo_faults import FaultQueue
from tests.fakes.faulty_app import FaultyApp

RATES = {
    "AU": (("parcel", "Parcel Post", 1195), ("express", "Express Post", 1745)),
    "NZ": (("abroad", "International Standard", 1995),),
}
CODES = {"SAVE10": (10, 0, 0), "PICKLE5": (0, 500, 0), "BIGDILL20": (0, 2000, 15000)}
"""Percent off, cents off, and the least that the goods must cost."""


class ToyForm(Struct):
    """One form of a product, which is what is bought."""

    sku: str
    options: dict[str, str]
    pieces: int


class ToyProduct(Struct):
    """A product in all its forms."""

    code: str
    handle: str
    name: str
    text: str
    cents: int
    was_cents: int | None
    categories: list[int]
    axes: dict[str, list[str]]
    forms: list[ToyForm]


class ToyCategory(Struct):
    """A category; None is above the first ones."""

    id: int
    name: str
    path: str
    parent: int | None


class ToyPayment(Struct):
    """A way to pay."""

    code: str
    title: str
    later: bool = False


class ToyFacts(Struct):
    """What the shop says of itself."""

    countries: list[str]
    payments: list[ToyPayment]


class ToyLine(Struct):
    """Pieces of one form."""

    sku: str
    name: str
    options: dict[str, str]
    cents: int
    pieces: int


class ToyCart(Struct):
    """A cart until it is ordered."""

    id: str
    lines: list[ToyLine] = []
    code: str | None = None
    off_cents: int = 0


class ToyRate(Struct):
    """A way to send a cart."""

    code: str
    title: str
    cents: int


class ToyQuote(Struct):
    """What a cart would cost in a country, sent by a rate; nothing of it stays on the cart."""

    rates: list[ToyRate]
    tax_cents: int
    total_cents: int


class Pieces(Struct, forbid_unknown_fields=True):
    """How many there are to be; 0 takes the line out."""

    pieces: int


class Code(Struct, forbid_unknown_fields=True):
    """The code to use, or none."""

    code: str | None


class Place(Struct, forbid_unknown_fields=True):
    """Where to, and how."""

    country: str
    rate: str | None = None


class Wish(Struct, forbid_unknown_fields=True):
    """An order."""

    reference: str
    email: str
    shipping: dict[str, str]
    billing: dict[str, str]
    rate: str
    payment: str
    note: str


class ToyOrder(Struct):
    """An order as it was made."""

    number: str
    reference: str
    cart: str
    email: str
    note: str
    total_cents: int
    status: str = "waiting for payment"


class Paid(Struct, forbid_unknown_fields=True):
    """The transaction that paid."""

    transaction: str


class ToyState(Struct):
    """What the shop remembers."""

    products: list[ToyProduct]
    categories: list[ToyCategory]
    carts: dict[str, ToyCart] = field(default_factory=dict)
    orders: list[ToyOrder] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def form(self, sku: str) -> tuple[ToyProduct, ToyForm]:
        """A form and its product. Raises 404."""
        found = ((one, form) for one in self.products for form in one.forms if form.sku == sku)
        return next(found, None) or refuse(404, "no such form")

    def cart(self, cart: str) -> ToyCart:
        """A cart. Raises 404."""
        return self.carts.get(cart) or refuse(404, "no such cart")

    def sell_out(self, sku: str) -> None:
        """Take all pieces away."""
        self.form(sku)[1].pieces = 0


def refuse(status: int, problem: str, **more: int) -> Any:
    """Answer with a problem."""
    raise HTTPException(status_code=status, detail=problem, extra=more)


def state_of(request: Request[Any, Any, Any]) -> ToyState:
    """The shop that is asked."""
    found: ToyState = request.app.state.toy
    return found


@get("/facts")
async def facts() -> ToyFacts:
    """The shop's countries and ways to pay."""
    ways = [ToyPayment("elsewhere", "Paid elsewhere"), ToyPayment("transfer", "Bank transfer", later=True)]
    return ToyFacts(countries=[*RATES], payments=ways)


@get("/products")
async def products(request: Request[Any, Any, Any]) -> list[ToyProduct]:
    """All of them, the oldest first."""
    return state_of(request).products


@get("/categories")
async def categories(request: Request[Any, Any, Any]) -> list[ToyCategory]:
    """All of them, each after its parent."""
    return state_of(request).categories


@post("/carts")
async def create_cart(request: Request[Any, Any, Any]) -> ToyCart:
    """A new cart."""
    state = state_of(request)
    cart = ToyCart(id=f"toy{next(state.numbers):08}")
    state.carts[cart.id] = cart
    return cart


@get("/carts/{cart:str}")
async def read_cart(request: Request[Any, Any, Any], cart: FromPath[str]) -> ToyCart:
    """A cart, until it is ordered."""
    return state_of(request).cart(cart)


@put("/carts/{cart:str}/lines/{sku:str}")
async def put_line(
    request: Request[Any, Any, Any], cart: FromPath[str], sku: FromPath[str], data: JSONBody[Pieces]
) -> ToyCart:
    """Have so many pieces of a form in a cart."""
    state = state_of(request)
    found = state.cart(cart)
    product, form = state.form(sku)
    if data.pieces > form.pieces:
        refuse(409, "not enough of it", left=form.pieces)
    line = next((one for one in found.lines if one.sku == sku), None)
    if line is None:
        found.lines.append(ToyLine(sku, product.name, form.options, product.cents, data.pieces))
    else:
        line.pieces = data.pieces
    found.lines[:] = [one for one in found.lines if one.pieces > 0]
    discount(found)
    return found


@put("/carts/{cart:str}/code")
async def put_code(request: Request[Any, Any, Any], cart: FromPath[str], data: JSONBody[Code]) -> ToyCart:
    """Use a code, or none."""
    found = state_of(request).cart(cart)
    code = data.code and data.code.upper()
    if code and (code not in CODES or goods(found) < CODES[code][2]):
        refuse(422, "this code takes nothing off")
    found.code = code
    discount(found)
    return found


@post("/carts/{cart:str}/quote", status_code=200)
async def quote(request: Request[Any, Any, Any], cart: FromPath[str], data: JSONBody[Place]) -> ToyQuote:
    """What a cart costs there."""
    found = state_of(request).cart(cart)
    rates = [ToyRate(*one) for one in RATES.get(data.country) or refuse(422, "we do not deliver there")]
    sent = [one.cents for one in rates if one.code == data.rate]
    total = goods(found) - found.off_cents + sum(sent)
    return ToyQuote(rates=rates, tax_cents=round(total / 11) if data.country == "AU" else 0, total_cents=total)


@post("/carts/{cart:str}/order")
async def order(request: Request[Any, Any, Any], cart: FromPath[str], data: JSONBody[Wish]) -> ToyOrder:
    """Order a cart, which is gone then."""
    state = state_of(request)
    found = state.cart(cart)
    rates = [one for one in RATES.get(data.shipping["country"], ()) if one[0] == data.rate]
    if not found.lines or not rates or data.payment not in {"elsewhere", "transfer"}:
        refuse(422, "this order lacks something")
    forms = [(state.form(line.sku)[1], line.pieces) for line in found.lines]
    for form, wanted in forms:
        if wanted > form.pieces:
            refuse(409, "not enough of it", left=form.pieces)
    for form, wanted in forms:
        form.pieces -= wanted
    del state.carts[cart]
    total = goods(found) - found.off_cents + rates[0][2]
    number = f"T{len(state.orders) + 1}"
    made = ToyOrder(number, data.reference, cart, data.email, data.note, total)
    state.orders.append(made)
    return made


@get("/orders")
async def orders(request: Request[Any, Any, Any], reference: FromQuery[str]) -> list[ToyOrder]:
    """Orders with this reference."""
    return [one for one in state_of(request).orders if one.reference == reference]


@put("/orders/{number:str}/paid")
async def put_paid(request: Request[Any, Any, Any], number: FromPath[str], data: JSONBody[Paid]) -> ToyOrder:
    """Note what paid for an order; once is as good as twice."""
    found = next((one for one in state_of(request).orders if one.number == number), None)
    made: ToyOrder = found or refuse(404, "no such order")
    made.status = f"paid by {data.transaction}"
    return made


def goods(cart: ToyCart) -> int:
    """What the lines cost."""
    return sum(line.cents * line.pieces for line in cart.lines)


def discount(cart: ToyCart) -> None:
    """Count what the code takes off."""
    percent, cents, _ = CODES[cart.code] if cart.code else (0, 0, 0)
    cart.off_cents = min(goods(cart), round(goods(cart) * percent / 100) + cents)


class ToyShop(FaultyApp):
    """The shop behind its faults."""

    def __init__(self) -> None:
        catalogue = pickle_warehouse()
        self.state = ToyState(
            products=[_product(one, catalogue) for one in catalogue.products.values() if _fits(one)],
            categories=[
                ToyCategory(one.id, one.name, one.url_path, None if one.parent == ROOT_CATEGORY_ID else one.parent)
                for one in sorted(catalogue.categories.values(), key=lambda one: (one.level, one.position))
                if one.id != ROOT_CATEGORY_ID and one.level > 1
            ],
        )
        app = Litestar(
            [facts, products, categories, create_cart, read_cart, put_line, put_code, quote, order, orders, put_paid],
            openapi_config=OpenAPIConfig(title="Toy shop", version="1", path="/"),
        )
        app.state.toy = self.state
        super().__init__(app, FaultQueue())


def _fits(product: DemoProduct) -> bool:
    return product.parent is None and product.kind == "simple" and not product.options and not product.disabled


def _product(product: DemoProduct, catalogue: DemoCatalogue) -> ToyProduct:
    axes = [catalogue.attributes[code] for code in product.axes]
    forms = [catalogue.products[child] for child in product.variants] or [product]
    options = [{axis.label: axis.label_of(form.attributes[axis.code]) for axis in axes} for form in forms]
    sale = product.sale_cents
    return ToyProduct(
        code=product.sku,
        handle=product.url_key,
        name=product.name,
        text=product.description,
        cents=product.cents if sale is None else sale,
        was_cents=None if sale is None else product.cents,
        categories=[*product.categories],
        axes={axis.label: list(dict.fromkeys(one[axis.label] for one in options)) for axis in axes},
        forms=[ToyForm(form.sku, chosen, form.stock) for form, chosen in zip(forms, options, strict=True)],
    )
