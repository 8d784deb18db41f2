"""A shop that fits on a shelf: a few honest products in memory, behind the same port as any real one."""

import asyncio
import datetime as dt
import itertools
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp import phases
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.backend import CacheStats, Options
from storefront_mcp.commerce.cart import AppliedGiftCard, Cart, CartLine, CartTotals, masked_code
from storefront_mcp.commerce.category import Category, CategoryFacet, FacetValue
from storefront_mcp.commerce.errors import (
    AddressRefused,
    CartEmpty,
    CartGone,
    CategoryNotFound,
    CountryNotServed,
    CouponRejected,
    GiftCardRejected,
    LineNotFound,
    NotEnoughStock,
    OutOfStock,
    PageNotFound,
    ProductNotFound,
    ShippingMethodRefused,
    ShopRefused,
    VariantNeeded,
)
from storefront_mcp.commerce.guest_carts import CartRecord, GuestCarts
from storefront_mcp.commerce.ids import CartId, CategoryId, LineId, Sku, StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.options import resolve_options
from storefront_mcp.commerce.order import Order, OrderDraft, OrderPreview, OrderProgress, OrderSettlement, PaymentMethod
from storefront_mcp.commerce.page import ShopPage, StoreFacts
from storefront_mcp.commerce.product import CustomOption, OptionAxis, OptionValue, Product, ProductSummary, Variant
from storefront_mcp.commerce.search import SearchPage, SearchQuery
from storefront_mcp.commerce.shipping import ShippingMethod
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.commerce.store import ServerIdentity, Store
from storefront_mcp.mcp.versions import LATEST_HANDSHAKE_VERSION, STREAMABLE_HTTP_VERSIONS
from storefront_mcp.roadmap.loading import load_phases
from storefront_mcp.roadmap.roadmap import Roadmap

PHASES = load_phases(phases)
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
STORE = Store(
    id=StoreId("pickle"),
    origin="https://pickle.example",
    name="Pickle Warehouse",
    currency="AUD",
    server=ServerIdentity(
        name="example.pickle/storefront",
        version="1.2.3",
        protocol_versions=STREAMABLE_HTTP_VERSIONS,
        preferred_version=LATEST_HANDSHAKE_VERSION.id,
    ),
    pages=("shipping", "returns"),
)


def aud(minor: int) -> Money:
    return Money(minor, "AUD")


PADDLES, JARS = CategoryId("10"), CategoryId("20")
PRODUCTS: tuple[Product, ...] = (
    Product(
        sku=Sku("PAD-2"),
        name="Carbon paddle",
        price=aud(27900),
        list_price=aud(29900),
        stock=5,
        rating=4.5,
        reviews=2,
        related=(ProductSummary(sku=Sku("NET-0"), name="Portable net", price=aud(9900)),),
        url_key="carbon-paddle",
        description="A paddle of carbon fibre. " * 20,
        categories=(PADDLES,),
    ),
    Product(
        sku=Sku("SHIRT"),
        name="Court shirt",
        price=aud(4500),
        url_key="court-shirt",
        axes=(OptionAxis(label="Size", values=("S", "L")),),
        variants=(
            Variant(sku=Sku("SHIRT-S"), options={"Size": "S"}, stock=9),
            Variant(sku=Sku("SHIRT-L"), options={"Size": "L"}, price=aud(4900), in_stock=False),
        ),
    ),
    Product(
        sku=Sku("JAR-1"),
        name="Named pickle jar",
        price=aud(1250),
        url_key="named-jar",
        description="Dill pickles, your name on the lid.",
        categories=(JARS,),
        custom_options=(
            CustomOption(id="7", title="Name on the lid", kind="text", required=True, max_length=12),
            CustomOption(
                id="8",
                title="Lid",
                kind="choice",
                values=(OptionValue(id="81", title="Red"), OptionValue(id="82", title="Gold", surcharge=aud(150))),
            ),
        ),
    ),
    Product(sku=Sku("NET-0"), name="Portable net", price=aud(9900), in_stock=False, url_key="net"),
)
CATEGORIES = (
    Category(
        id=CategoryId("1"),
        name="Pickleball",
        path="pickleball",
        description="Everything for the court.",
        products=2,
        children=(Category(id=PADDLES, name="Paddles", path="pickleball/paddles", description="To hit.", products=1),),
    ),
    Category(id=JARS, name="Jars", path="jars", products=1),
)
SHIPPING_METHODS = (ShippingMethod("post", "Post", aud(995)), ShippingMethod("van", "Van", aud(0)))
PAYMENT_METHODS = (
    PaymentMethod(code="prepaid", title="Paid online"),
    PaymentMethod(code="banktransfer", title="Bank transfer", offline=True),
)
FREE = PaymentMethod(code="free", title="Nothing to pay", free=True)
GIFT_CARDS = {"GC-MEMORY-50": aud(5000), "GC-MEMORY-5": aud(500)}
"""Codes and balances; nothing is ever taken off them."""
PAGES = {"shipping": ShopPage(identifier="shipping", title="Shipping", html="<p>Fast.</p>", markdown="Fast.")}


class Placed(Struct, frozen=True):
    """An order that the shelf took."""

    cart: CartId
    draft: OrderDraft
    settlement: OrderSettlement
    order: Order


class MemoryBackend:
    """The port, kept by a dictionary. Cart ids are `secret-1`, `secret-2` …: no answer may ever contain `secret`."""

    def __init__(self, products: Sequence[Product] = PRODUCTS) -> None:
        self.products = tuple(products)
        self.carts: dict[CartId, Cart] = {}
        self.down: Exception | None = None
        """What every method raises while it is set."""
        self.recreates = False
        """Whether a lost cart is made anew by add_line, under another id, as some shops do."""
        self.asked: list[str] = []
        self.orders: list[Placed] = []
        self.paid: list[OrderSettlement] = []
        """Of orders that were marked as paid, once for each time."""
        self.fails_before: list[Exception] = []
        """What the next calls of place_order raise instead of making an order."""
        self.fails_after: list[Exception] = []
        """What the next calls of place_order raise once they have made an order."""
        self.captures_itself = False
        """Whether it takes the money while it makes an order, as some shops do."""
        self.progress: dict[str, OrderProgress] = {}
        """Where orders stand, by number."""
        self._ids = itertools.count(1)

    def forget(self) -> None:
        """Lose every cart, as shops do overnight."""
        self.carts.clear()

    async def search(self, search: SearchQuery) -> SearchPage:
        await self._asked("search")
        hits = [product for product in self.products if _matches(product, search)]
        match search.sort:
            case "price_low":
                hits.sort(key=lambda product: product.price.minor)
            case "price_high":
                hits.sort(key=lambda product: -product.price.minor)
            case "name":
                hits.sort(key=lambda product: product.name)
        start = int(search.after or 0)
        end = start + search.size
        page = tuple(map(_brief, hits[start:end]))
        return SearchPage(products=page, total=len(hits), next=str(end) if end < len(hits) else None)

    async def product(self, key: str) -> Product:
        await self._asked("product")
        for product in self.products:
            if key in {product.sku, product.url_key}:
                return product
        raise ProductNotFound(key)

    async def categories(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        await self._asked("categories")
        tree = CATEGORIES if parent is None else (await self.category(parent)).children
        return tuple(_pruned(category, depth) for category in tree)

    async def category(self, key: str) -> Category:
        await self._asked("category")
        for category in _all(CATEGORIES):
            if key in {category.id, category.path}:
                return category
        raise CategoryNotFound(key)

    async def facets(self, category: CategoryId) -> Sequence[CategoryFacet]:
        await self._asked("facets")
        return (CategoryFacet("Grip", (FacetValue("Soft", 1),)),) if category == PADDLES else ()

    async def page(self, identifier: str) -> ShopPage:
        await self._asked("page")
        if identifier not in PAGES:
            raise PageNotFound(identifier)
        return PAGES[identifier]

    async def store_facts(self) -> StoreFacts:
        await self._asked("store_facts")
        return StoreFacts(countries=("AU",), payment_methods=PAYMENT_METHODS)

    async def create_cart(self) -> Cart:
        await self._asked("create_cart")
        cart = _totalled(
            Cart(cart_id=CartId(f"secret-{next(self._ids)}"), totals=CartTotals(subtotal=aud(0), total=aud(0)))
        )
        self.carts[cart.cart_id] = cart
        return cart

    async def cart(self, cart: CartId) -> Cart:
        await self._asked("cart")
        return self._found(cart)

    async def add_line(self, cart: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        await self._asked("add_line")
        if cart not in self.carts and self.recreates:
            cart = (await self.create_cart()).cart_id
        before = self._found(cart)
        product, price = self._buyable(sku)
        wanted = resolve_options(sku, product.custom_options, options)
        titles = {option.title: str(wanted[option.id]) for option in product.custom_options if option.id in wanted}
        had = next((line for line in before.lines if (line.sku, line.options) == (sku, titles)), None)
        count = quantity + (had.quantity if had else 0)
        if product.stock is not None and count > product.stock:
            raise NotEnoughStock(sku, available=product.stock)
        # Another writer may come in between here: whoever relies on the order has to keep it.
        await asyncio.sleep(0)
        line = CartLine(
            line_id=had.line_id if had else LineId(str(next(self._ids))),
            sku=sku,
            name=product.name,
            quantity=count,
            price=price,
            total=price * count,
            options=titles,
        )
        others = [other for other in before.lines if other.line_id != line.line_id]
        return self._kept(replace(before, lines=(*others, line)))

    async def update_line(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        await self._asked("update_line")
        before = self._found(cart)
        if all(known.line_id != line for known in before.lines):
            raise LineNotFound(line)
        lines = tuple(
            replace(known, quantity=quantity, total=known.price * quantity) if known.line_id == line else known
            for known in before.lines
        )
        return self._kept(replace(before, lines=lines))

    async def remove_line(self, cart: CartId, line: LineId) -> Cart:
        await self._asked("remove_line")
        before = self._found(cart)
        left = tuple(known for known in before.lines if known.line_id != line)
        if len(left) == len(before.lines):
            raise LineNotFound(line)
        return self._kept(replace(before, lines=left))

    async def apply_coupon(self, cart: CartId, code: str) -> Cart:
        await self._asked("apply_coupon")
        before = self._found(cart)
        if code != "TEN":
            raise CouponRejected(code)
        return self._kept(replace(before, coupon=code))

    async def remove_coupon(self, cart: CartId) -> Cart:
        await self._asked("remove_coupon")
        return self._kept(replace(self._found(cart), coupon=None))

    async def apply_gift_card(self, cart: CartId, code: str) -> Cart:
        await self._asked("apply_gift_card")
        before = self._found(cart)
        if code not in GIFT_CARDS:
            raise GiftCardRejected("The shop does not take this gift card")
        others = tuple(card for card in before.gift_cards if card.code != masked_code(code))
        card = AppliedGiftCard(code=masked_code(code), amount=GIFT_CARDS[code])
        return self._kept(replace(before, gift_cards=(*others, card)))

    async def remove_gift_card(self, cart: CartId, code: str) -> Cart:
        await self._asked("remove_gift_card")
        before = self._found(cart)
        left = tuple(card for card in before.gift_cards if card.code not in {code, masked_code(code)})
        if before.gift_cards and len(left) == len(before.gift_cards):
            raise GiftCardRejected("This gift card is not on the cart")
        return self._kept(replace(before, gift_cards=left))

    async def shipping_methods(self, cart: CartId, address: Address) -> Sequence[ShippingMethod]:
        await self._asked("shipping_methods")
        if not self._found(cart).lines:
            raise ShopRefused("The cart is empty.")
        if address.country != "AU":
            raise CountryNotServed(address.country, ["AU"])
        return SHIPPING_METHODS

    async def quote_gaps(self, address: Address) -> Sequence[str]:
        return [name for name in ("region", "postcode") if not getattr(address, name)]

    async def quote_order(self, cart: CartId, draft: OrderDraft) -> Cart:
        await self._asked("priced")
        before = self._found(cart)
        if not before.lines:
            raise CartEmpty
        if draft.shipping_address is None:
            raise AddressRefused("shipping_address is missing.")
        if draft.shipping_address.country != "AU":
            raise CountryNotServed(draft.shipping_address.country, ["AU"])
        method = next((one for one in SHIPPING_METHODS if one.code == draft.shipping_method), None)
        if method is None:
            raise ShippingMethodRefused(draft.shipping_method, SHIPPING_METHODS)
        totals = replace(before.totals, shipping=method.price, total=before.totals.total + method.price)
        return replace(before, totals=totals, ships_by=method.title)

    async def preview_order(self, cart: CartId, draft: OrderDraft) -> OrderPreview:
        return OrderPreview(cart=await self.quote_order(cart, draft), methods=tuple(await self.payment_methods(cart)))

    async def payment_methods(self, cart: CartId) -> Sequence[PaymentMethod]:
        await self._asked("payment_methods")
        return PAYMENT_METHODS if self._found(cart).totals.total else (FREE,)

    @property
    def capturing_methods(self) -> frozenset[str]:
        return frozenset(method.code for method in PAYMENT_METHODS if self.captures_itself)

    @property
    def circuit_open(self) -> bool:
        return False

    @property
    def cache_stats(self) -> CacheStats:
        return CacheStats(kept=0, hits=0, misses=0)

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> Order:
        await self._asked("place_order")
        if self.fails_before:
            raise self.fails_before.pop(0)
        total = (await self.quote_order(cart, draft)).totals.total
        self._found(cart)
        order = Order(number=f"1000{len(self.orders) + 1}", total=total, token="secret-token")
        self.orders.append(Placed(cart, draft, settlement, order))
        del self.carts[cart]
        if self.fails_after:
            raise self.fails_after.pop(0)
        return order

    async def find_order(self, cart: CartId, reference: str) -> Order | None:
        await self._asked("find_order")
        if cart in self.carts:
            return None
        found = (one.order for one in self.orders if one.settlement.reference == reference)
        return next((replace(order, token=None) for order in found), Order())

    async def mark_paid(self, order: Order, settlement: OrderSettlement) -> None:
        await self._asked("mark_paid")
        self.paid.append(settlement)

    async def order_progress(self, order: Order) -> OrderProgress | None:
        await self._asked("order_progress")
        return self.progress.get(order.number or "")

    async def _asked(self, method: str) -> None:
        self.asked.append(method)
        if self.down is not None:
            raise self.down
        await asyncio.sleep(0)

    def _found(self, cart: CartId) -> Cart:
        if cart not in self.carts:
            raise CartGone
        return self.carts[cart]

    def _kept(self, cart: Cart) -> Cart:
        self.carts[cart.cart_id] = _totalled(cart)
        return self.carts[cart.cart_id]

    def _buyable(self, sku: Sku) -> tuple[Product, Money]:
        for product in self.products:
            for variant in product.variants:
                if variant.sku == sku:
                    if not variant.in_stock:
                        raise OutOfStock(sku)
                    return product, variant.price or product.price
            if product.sku == sku:
                if product.variants:
                    raise VariantNeeded(sku, product.variants)
                if not product.in_stock:
                    raise OutOfStock(sku)
                return product, product.price
        raise ProductNotFound(sku)


class MemoryCartHandles:
    """Handles in memory."""

    def __init__(self) -> None:
        self.records: dict[tuple[StoreId, CartId], CartRecord] = {}

    async def find(self, store: StoreId, handle: CartId) -> CartRecord | None:
        await asyncio.sleep(0)
        return self.records.get((store, handle))

    async def put(self, record: CartRecord) -> None:
        await asyncio.sleep(0)
        self.records[record.store, record.handle] = record


class Clock(Struct):
    """A clock that stands still until it is moved."""

    now: dt.datetime = NOW

    def __call__(self) -> dt.datetime:
        return self.now


def shop_on(
    memory_backend: MemoryBackend,
    store: Store = STORE,
    *,
    clock: Clock | None = None,
    cart_handles_in_memory: MemoryCartHandles | None = None,
) -> Shop:
    """A store whose products are on this shelf."""
    return Shop(
        store,
        memory_backend,
        GuestCarts(store.id, memory_backend, cart_handles_in_memory or MemoryCartHandles(), now=clock or Clock()),
    )


def roadmap(*active: str, **statuses: str) -> Roadmap:
    """The real phases, these of them active, others as named: `roadmap("p1_browse", p2_cart="paused")`."""
    named = {**dict.fromkeys(active, "active"), **statuses}
    return Roadmap(
        version=1,
        phases=tuple(replace(phase, status=named.get(phase.name, "planned")) for phase in PHASES),
        as_of=NOW.date(),
    )


OPEN = roadmap("p1_browse", "p2_cart")


def _matches(product: Product, search: SearchQuery) -> bool:
    words = search.text.lower().split()
    return (
        all(word in product.name.lower() for word in words)
        and (search.category is None or search.category in product.categories)
        and (search.price_min is None or product.price.minor >= search.price_min.minor)
        and (search.price_max is None or product.price.minor <= search.price_max.minor)
    )


def _brief(product: Product) -> ProductSummary:
    choose = "a variant" if product.variants else "options" if product.custom_options else None
    return ProductSummary(
        sku=product.sku,
        name=product.name,
        price=product.price,
        list_price=product.list_price,
        in_stock=product.in_stock,
        choose=choose,
    )


def _pruned(category: Category, depth: int) -> Category:
    children = () if depth <= 1 else tuple(_pruned(child, depth - 1) for child in category.children)
    return replace(category, children=children)


def _all(categories: Sequence[Category]) -> Sequence[Category]:
    return [one for category in categories for one in (category, *_all(category.children))]


def _totalled(cart: Cart) -> Cart:
    subtotal = sum((line.total for line in cart.lines), aud(0))
    discount = aud(subtotal.minor // 10) if cart.coupon else None
    total = subtotal - discount if discount else subtotal
    paid: list[AppliedGiftCard] = []
    for card in cart.gift_cards:
        amount = min(GIFT_CARDS[next(code for code in GIFT_CARDS if masked_code(code) == card.code)].minor, total.minor)
        paid.append(replace(card, amount=aud(amount)))
        total -= aud(amount)
    cards = sum((card.amount for card in paid), aud(0)) or None
    totals = CartTotals(subtotal=subtotal, discount=discount, gift_cards=cards, total=total)
    return replace(cart, gift_cards=tuple(paid), totals=totals)
