"""Maho's guest carts: reads and changes them, and maps the shop's 4xx responses to errors."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.links import NO_ORIGINS, KnownOrigins
from storefront_mcp.backends.maho import line_errors, translation
from storefront_mcp.backends.maho.addresses import AddressMapper
from storefront_mcp.backends.maho.choices import sent_choices
from storefront_mcp.backends.maho.prices import PriceMapper
from storefront_mcp.backends.maho.products import MahoProducts
from storefront_mcp.backends.maho.rest import RestClient, error_body, error_reason, expect_success, general_error, is_id
from storefront_mcp.backends.maho.shapes import CartItem, GuestCart, ProductDetail, QuotedCart, ShippingRateShape
from storefront_mcp.backends.maho.storable import unstorable_characters
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce import options as custom
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.backend import Options
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.error_details import UNKNOWN_COUPON
from storefront_mcp.commerce.errors import (
    CartGone,
    CouponRejected,
    LineNotFound,
    NotEnoughStock,
    OptionsNeeded,
    OutOfStock,
    ProductNotFound,
    ShopDown,
    ShopError,
    VariantNeeded,
)
from storefront_mcp.commerce.ids import CartId, LineId, Sku
from storefront_mcp.commerce.product import variant_of
from storefront_mcp.commerce.shipping import ShippingMethod

COUPON_VERBS: Final = ("PUT", "POST")
"""26.7 and later take a guest's coupon by PUT, the older fork by POST; the other answers 405."""
USELESS_COUPON: Final = (
    "is one of this shop's and does not apply now: it has not begun, is over or used up, or wants goods or a value "
    "that the cart does not have"
)
COUPON_REASONS: Final = (("is not valid", UNKNOWN_COUPON), ("could not be applied", USELESS_COUPON))
"""By what Maho says; it does not say more."""
MAX_RATES: Final = 200
"""Shipping rates of one quote."""
MAX_CACHED_CART_IDS: Final = 10_000
"""Carts whose numeric id is cached."""
CART_ID_TTL_SECONDS: Final = 86_400.0


CUSTOMER_CART_PREFIX: Final = "customer:"
"""Before the number of a customer's cart, which only their token opens; masked ids have no colon."""


class MahoCarts:
    """Guest carts of a store, with the checks that Maho itself lacks made before a request is sent."""

    def __init__(
        self,
        rest: RestClient,
        catalogue: MahoProducts,
        delivery: AddressMapper,
        price_mapper: PriceMapper,
        *,
        clock: Callable[[], float],
        known: KnownOrigins = NO_ORIGINS,
    ) -> None:
        """`known` is where links to products may lead."""
        self._known = known
        self._rest = rest
        self._catalogue = catalogue
        self._delivery = delivery
        self._price_mapper = price_mapper
        self._coupon_verb = COUPON_VERBS[0]
        self.is_older_fork = False
        """Whether the last quote was a whole cart, as those of the older fork are."""
        self._numbers: TtlCache[CartId, int] = TtlCache(
            size=MAX_CACHED_CART_IDS, seconds=CART_ID_TTL_SECONDS, clock=clock
        )
        self.caches: Final = (self._numbers,)

    async def create(self) -> Cart:
        """Create an empty cart; harmless to repeat."""
        answer = expect_success(await self._rest.send("POST", "/guest-carts", harmless=True))
        found = answer.read(GuestCart)
        if not found.masked_id:
            raise ShopDown(internal=f"{answer.where}: a new cart without a masked id")
        return translation.cart(found, self._price_mapper, CartId(found.masked_id))

    async def read(self, cart: CartId) -> Cart:
        """The current cart. Raises CartGone."""
        return translation.cart(await self.fetch(cart), self._price_mapper, cart)

    async def add(self, cart: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        """Add a product. For a cart that it has lost, Maho returns a new one under another id."""
        found = await self._catalogue.find(sku, by_trial=bool(options))
        if found is None:
            return await self._post_unread(cart, sku, quantity, options)
        if not options and not translation.needs_choice(found):
            sku = translation.sku_of(found)  # the caller may have given a URL key, or another case
            return await self._post_line(cart, sku, quantity, {}, found)
        product = self._catalogue.texts.with_known(found, translation.product(found, self._price_mapper, self._known))
        variant = variant_of(product, sku)
        if options and product.variants:
            named, options = custom.named_variant(product, options)
            if variant is not None and named not in (None, variant):
                raise VariantNeeded(sku, product.variants)
            variant = named or variant
        sku = product.sku if variant is None else variant.sku  # as above
        wanted = line_errors.check_choice(sku, options, found, product)
        try:
            after = await self._post_line(cart, sku, quantity, sent_choices(found, wanted), found)
        except OptionsNeeded as refused:
            raise await self._catalogue.texts.explain_length(found, product, wanted, refused) from None
        # SKUs of chosen options are joined on to the line's.
        lines = [line for line in after.lines if line.sku == sku or line.sku.startswith(f"{sku}-")]
        kept = (custom.dropped_options(product.custom_options, wanted, line.options) for line in lines)
        gone = min(kept, key=len, default=[])
        if not gone:
            return after
        return replace(
            after, notice=f"The shop did not keep what was chosen for {' and '.join(gone)}: look at the line."
        )

    async def _post_unread(self, cart: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        """Add what could not be read, as a variant's SKU before its parent was; it is read once there is too little."""
        if unstorable_characters(sku):
            raise ProductNotFound(sku)
        try:
            return await self._post_line(cart, sku, quantity, _options_to_send(options), None)
        except NotEnoughStock:
            found = await self._catalogue.find(sku)
        product = None if found is None else translation.product(found, self._price_mapper, self._known)
        variant = None if product is None else variant_of(product, sku)
        left = None if product is None else product.stock if variant is None else variant.stock
        raise NotEnoughStock(sku, available=left)

    async def _post_line(
        self, cart: CartId, sku: Sku, quantity: int, chosen: dict[str, object], found: ProductDetail | None
    ) -> Cart:
        answer = await self._rest.send("POST", f"{cart_path(cart)}/items", {"sku": sku, "qty": quantity} | chosen)
        if answer.is_success:
            return await self.after_change(answer, cart)
        product = None if found is None else translation.product(found, self._price_mapper, self._known)
        raise line_errors.line_error(answer, sku, product)

    async def update(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        """Set a line's quantity, after a stock check: Maho accepts any number."""
        before = await self.fetch(cart)
        item = _item(before, line)
        product = None if item.product_id is None else await self._catalogue.read(item.product_id)
        if product is not None:
            others = sum(
                translation.pieces(one.qty) or 0 for one in before.items if one.sku == item.sku and one is not item
            )
            await self._check_line(product, item, quantity, also=others)
        answer = await self._rest.send("PUT", f"{cart_path(cart)}/items/{item.id}", {"qty": quantity})
        return await self._change(answer, cart, LineId(str(item.id)), item)

    async def remove(self, cart: CartId, line: LineId) -> Cart:
        """Remove a line. Raises LineNotFound, CartGone."""
        if not is_id(line):
            line = LineId(str(_item(await self.fetch(cart), line).id))
        return await self._change(await self._rest.send("DELETE", f"{cart_path(cart)}/items/{line}"), cart, line, None)

    async def apply_coupon(self, cart: CartId, code: str) -> Cart:
        """Apply a coupon code. Raises CouponRejected, with the earlier code if Maho dropped that, and CartGone."""
        if unstorable_characters(code):
            raise CouponRejected(code, why=UNKNOWN_COUPON)
        before = translation.coupon(await self.fetch(cart))
        answer = await self._coupon(cart, code)
        if answer.is_success:
            after = await self.after_change(answer, cart)
            if after.coupon is not None:
                return after
        elif answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        elif answer.status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
            expect_success(answer)
        kept = None if before is None else translation.coupon(await self.fetch(cart))
        raise CouponRejected(code, why=_why_not(answer), dropped=before if kept is None else None)

    async def remove_coupon(self, cart: CartId) -> Cart:
        """Remove the coupon code."""
        return await self.after_change(await self._rest.send("DELETE", f"{cart_path(cart)}/coupon"), cart)

    async def shipping_methods(self, cart: CartId, address: Address) -> tuple[ShippingMethod, ...] | None:
        """Shipping methods for an address; None where nothing is sent. Maho stores the address; harmless to repeat."""
        rates = await self.rates(cart, await self._delivery.address(address))
        offered = translation.shipping_methods(rates, self._price_mapper)
        # Maho offers its ways for virtual carts too, most for nothing.
        costs = any(method.price for method in offered)
        return None if not costs and translation.ships_nothing(await self.fetch(cart)) else offered

    async def rates(self, cart: CartId, written: dict[str, object]) -> list[ShippingRateShape]:
        """Maho's shipping rates for an address in Maho's form. Raises CartGone."""
        answer = await self._rest.send(
            "POST", f"{cart_path(cart)}/shipping-methods", {"address": written}, harmless=True
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        quoted = expect_success(answer)
        self.is_older_fork = not quoted.is_list
        if self.is_older_fork:
            return quoted.read(QuotedCart).available_shipping_methods
        return quoted.read(list[ShippingRateShape])[:MAX_RATES]

    async def recompute(self, cart: CartId, found: GuestCart) -> GuestCart:
        """The cart after a change that changes nothing: its totals are computed as often as place-order does."""
        item = found.items[0]
        if not item.qty.is_finite():
            raise ShopDown(internal="a cart whose quantity is no number")
        quantity = int(item.qty) if item.qty == item.qty.to_integral_value() else float(item.qty)
        answer = await self._rest.send("PUT", f"{cart_path(cart)}/items/{item.id}", {"qty": quantity}, harmless=True)
        if answer.status == HTTPStatus.NOT_FOUND or not expect_success(answer).body.strip():
            return await self.fetch(cart)
        return answer.read(GuestCart)

    async def products_of(self, found: GuestCart) -> Mapping[int, ProductDetail | ShopError | None]:
        """What the shop shows of the products in a cart, by their ids."""
        return await self._catalogue.read_all(item.product_id for item in found.items if item.product_id is not None)

    async def check_stock(self, found: GuestCart, products: Mapping[int, ProductDetail | ShopError | None]) -> None:
        """Check every line against the stock the shop shows. Raises as `line_errors.check_stock`."""
        wanted: dict[str, int] = {}
        for item in found.items:
            wanted[item.sku] = wanted.get(item.sku, 0) + (translation.pieces(item.qty) or 0)
        items = {item.sku: item for item in found.items if item.product_id is not None}
        for sku, item in items.items():
            product = products[item.product_id or 0]
            if product is None:
                raise OutOfStock(sku)
            if isinstance(product, ShopError):
                raise product
            await self._check_line(product, item, wanted[sku])

    async def _check_line(self, product: ProductDetail, item: CartItem, quantity: int, *, also: int = 0) -> None:
        """As `line_errors.check_stock`, but the shop has the last word: it may take backorders, and tells nobody."""
        try:
            line_errors.check_stock(product, Sku(item.sku), quantity, also=also)
        except (NotEnoughStock, OutOfStock):
            if not await self._may_order(product, item, quantity + also):
                raise

    async def _may_order(self, found: ProductDetail, item: CartItem, quantity: int) -> bool:
        """Whether the shop takes so many pieces of what a line holds, options included."""
        product = translation.product(found, self._price_mapper, self._known)
        if not product.custom_options:
            return await self._catalogue.may_order(Sku(item.sku), quantity)
        child = variant_of(product, item.sku)
        sku = product.sku if child is None else child.sku
        titles = {option.title: option for option in product.custom_options}
        chosen = {
            title: value.split(", ") if titles[title].kind == "choices" else value
            for title, value in translation.line_options(item).items()
            if title in titles
        }
        try:
            wanted = custom.resolve_options(sku, product.custom_options, chosen)
        except OptionsNeeded:
            return False
        return await self._catalogue.may_order(sku, quantity, sent_choices(found, wanted))

    async def _coupon(self, cart: CartId, code: str) -> UpstreamResponse:
        body = {"couponCode": code}
        answer = await self._rest.send(self._coupon_verb, f"{cart_path(cart)}/coupon", body)
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self._coupon_verb = next(verb for verb in COUPON_VERBS if verb != self._coupon_verb)
            answer = await self._rest.send(self._coupon_verb, f"{cart_path(cart)}/coupon", body)
        return answer

    async def _change(self, answer: UpstreamResponse, cart: CartId, line: LineId, item: CartItem | None) -> Cart:
        if answer.status == HTTPStatus.NOT_FOUND:
            if "item" not in error_body(answer).message.casefold():
                await self.fetch(cart)
            raise LineNotFound(line)
        if not answer.is_success and item is not None:
            raise line_errors.line_error(answer, Sku(item.sku), None)
        return await self.after_change(answer, cart)

    async def after_change(self, answer: UpstreamResponse, cart: CartId) -> Cart:
        """The cart after a change, read again if the response is empty, as the older fork's are. Raises CartGone."""
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        if not answer.is_success:
            raise general_error(answer)
        if not answer.body.strip():
            return await self.read(cart)
        found = answer.read(GuestCart)
        if self._price_mapper.tax.is_unknown(found.items):
            await self.learn_tax(found)
        return translation.cart(found, self._price_mapper, cart)

    async def fetch(self, cart: CartId) -> GuestCart:
        """The open cart in Maho's form. Raises CartGone, also for a cart that became an order."""
        found = await self.look(cart)
        if found.reserved_order_id:
            raise CartGone
        return found

    async def look(self, cart: CartId) -> GuestCart:
        """The cart in Maho's form, ordered or not. Raises CartGone."""
        answer = await self._rest.get(cart_path(cart))
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        found = expect_success(answer).read(GuestCart)
        if self._price_mapper.tax.is_unknown(found.items):
            await self.learn_tax(found)
        if found.id is not None:
            self._numbers[cart] = found.id
        return found

    async def learn_tax(self, found: GuestCart) -> None:
        """Learn from a cart whether prices include tax: from lines whose price is not that of their options, too."""
        for item in found.items:
            product = None if item.product_id is None else await self._catalogue.read(item.product_id)
            if product is not None and not product.custom_options:
                self._price_mapper.tax.learn(item, product.final_price or product.price)
        await self._catalogue.tax_trial.learn()

    def number(self, cart: CartId) -> int | None:
        """The cart's numeric id in the shop; None unless cached by an earlier `fetch`."""
        return self._numbers.find(cart)


def cart_path(cart: CartId) -> str:
    """API path of a guest cart, or of a customer's own."""
    if cart.startswith(CUSTOMER_CART_PREFIX):
        return f"/carts/{cart.removeprefix(CUSTOMER_CART_PREFIX)}"
    return f"/guest-carts/{quote(cart, safe='')}"


def _why_not(answer: UpstreamResponse) -> str:
    """Why a coupon was refused, as far as the shop tells: in Maho's two sentences, or in one of an extension."""
    said = error_reason(answer)
    known = next((why for words, why in COUPON_REASONS if words in said.casefold()), None)
    if known is not None:
        return known
    return "is not valid for this cart" if answer.is_success else f"was refused: {said.removesuffix('.')}"


def _options_to_send(options: Options) -> dict[str, object]:
    """The options of a product that could not be read, as they were given."""
    given = {option: answer if isinstance(answer, str) else list(answer) for option, answer in options.items()}
    return {"options": given} if given else {}


def _item(cart: GuestCart, line: LineId) -> CartItem:
    """The item with this id, else the only one of this SKU. Raises LineNotFound."""
    by_id = [one for one in cart.items if str(one.id) == line]
    found = by_id or [one for one in cart.items if one.sku.casefold() == line.casefold()]
    if len(found) != 1:
        raise LineNotFound(line)
    return found[0]
