"""WooCommerce's carts: reads and changes them, and maps the shop's refusals to errors."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.backends.woocommerce import translation
from storefront_mcp.backends.woocommerce.prices import WooPrices
from storefront_mcp.backends.woocommerce.products import WooProducts
from storefront_mcp.backends.woocommerce.shapes import WooCartItemShape, WooCartShape, WooProductShape
from storefront_mcp.backends.woocommerce.store_api import (
    STORE,
    StoreApiClient,
    error_body,
    error_reason,
    expect_success,
    general_error,
    new_token,
    renewed_id,
    token_claims,
)
from storefront_mcp.commerce import options as custom
from storefront_mcp.commerce.backend import Options
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import (
    CartGone,
    CouponRejected,
    GiftCardRejected,
    LineNotFound,
    NotEnoughStock,
    OptionsNeeded,
    OutOfStock,
    ProductNotFound,
    QuantityRefused,
    ShopDown,
    ShopError,
    ShopRefused,
    VariantNeeded,
)
from storefront_mcp.commerce.ids import CartId, LineId, Sku
from storefront_mcp.commerce.options import no_options
from storefront_mcp.commerce.product import Product, variant_of

GONE_KEY: Final = "woocommerce_rest_cart_invalid_key"
NO_SUCH_COUPON: Final = "woocommerce_rest_cart_coupon_invalid_code"
COUPON_CODES: Final = frozenset({"woocommerce_rest_cart_coupon_error", NO_SUCH_COUPON})
NO_GIFT_CARDS: Final = "This shop takes no gift cards of agents"
MAX_QUANTITY: Final = 9_999
MAX_ORDERED_CARTS: Final = 10_000
ORDERED_TTL_SECONDS: Final = 2 * 86_400.0
"""As long as a token lives."""


class WooCarts:
    """Guest carts of a store. A cart's id is its token."""

    def __init__(
        self, rest: StoreApiClient, catalogue: WooProducts, prices: WooPrices, *, clock: Callable[[], float]
    ) -> None:
        self._rest = rest
        self._catalogue = catalogue
        self._prices = prices
        self._ordered: TtlCache[str, bool] = TtlCache(size=MAX_ORDERED_CARTS, seconds=ORDERED_TTL_SECONDS, clock=clock)
        self.caches: Final = (self._ordered,)

    async def create(self) -> Cart:
        """A new cart, which is what the shop answers to who has none."""
        answer = expect_success(await self._rest.get(f"{STORE}/cart"))
        token = new_token(answer)
        if token is None:
            raise ShopDown(internal=f"{answer.where}: a new cart without a token")
        return translation.cart(answer.read(WooCartShape), self._prices, token)

    def note_order(self, cart: CartId) -> None:
        """From now on the cart is gone: it became an order."""
        self._ordered[_session(cart)] = True

    def is_ordered(self, cart: CartId) -> bool:
        """Whether this process knows that the cart became an order; the shop shows such a cart empty."""
        return self._ordered.find(_session(cart)) is not None

    async def fetch(self, cart: CartId) -> WooCartShape:
        """The open cart in the shop's form. Raises CartGone, also for a cart that became an order."""
        if self.is_ordered(cart):
            raise CartGone
        return await self.look(cart)

    async def look(self, cart: CartId) -> WooCartShape:
        """The cart in the shop's form, ordered or not. Raises CartGone."""
        return expect_success(await self._rest.cart_get(cart)).read(WooCartShape)

    async def read(self, cart: CartId) -> Cart:
        """The current cart. Raises CartGone."""
        return translation.cart(await self.fetch(cart), self._prices, cart)

    async def add(self, cart: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        """Add a product by its SKU or slug, or a variation by its SKU or by its attributes in words."""
        found = await self._catalogue.find(sku)
        if found is None:
            raise ProductNotFound(sku)
        if quantity > MAX_QUANTITY:
            raise QuantityRefused(f"at most {MAX_QUANTITY} pieces are taken at once.")
        if self.is_ordered(cart):
            raise CartGone
        body: dict[str, object] = {"id": found.id, "quantity": quantity}
        if found.type not in {translation.VARIABLE_TYPE, translation.VARIATION_TYPE}:
            self._check_plain(found, options)
        elif found.type == translation.VARIABLE_TYPE or options:
            body |= await self._variation(found, sku, options)
        answer = await self._rest.cart_post(cart, "/cart/add-item", body)
        if answer.is_success:
            after = self._after(answer, cart)
            # A cart that had been emptied is not renamed: whoever keeps its id could not tell it from another one.
            alone = sum(line.quantity for line in after.lines) <= quantity
            return replace(after, cart_id=cart) if alone else after
        raise await self._add_error(answer, found, sku)

    def _check_plain(self, found: WooProductShape, options: Options) -> None:
        """Raise OptionsNeeded for what needs a choice that only the product's own page offers, or that there is not."""
        sku = translation.sku_of(found)
        if translation.to_choose(found) is not None:
            page = translation.product_url(found, self._catalogue.known)
            told = f"It is chosen on the product's own page{'' if page is None else f', {page}'}: hand it over."
            raise OptionsNeeded(sku, told, how="")
        if options:
            raise no_options(sku)

    async def _variation(self, found: WooProductShape, sku: Sku, options: Options) -> Mapping[str, object]:
        """The id of the variation that is meant, with its attributes where it leaves some open.

        Raises VariantNeeded, OptionsNeeded, OutOfStock.
        """
        parent = await self._catalogue.parent_of(found)
        product = await self._catalogue.whole(parent)
        variant = variant_of(product, translation.sku_of(found))
        named, left = custom.named_variant(product, options)
        if variant is not None and named not in (None, variant):
            raise VariantNeeded(sku, product.variants)
        variant = named or variant
        if variant is None:
            raise VariantNeeded(sku, product.variants)
        if not variant.in_stock:
            raise OutOfStock(variant.sku)
        chosen = await self._catalogue.find(variant.sku)
        if chosen is None:
            raise ProductNotFound(variant.sku)
        return {"id": chosen.id, **_open_attributes(parent, product, chosen, left)}

    async def _add_error(self, answer: UpstreamResponse, found: WooProductShape, sku: Sku) -> ShopError:
        """The meaning of a refusal to add or to change pieces of a product, by its code."""
        said = error_body(answer).code
        if answer.status != HTTPStatus.BAD_REQUEST:
            return general_error(answer)
        if said == "woocommerce_rest_missing_attributes":
            product = await self._catalogue.whole(await self._catalogue.parent_of(found))
            return VariantNeeded(sku, product.variants)
        meanings: dict[str, ShopError] = {
            "woocommerce_rest_product_out_of_stock": OutOfStock(sku),
            "woocommerce_rest_product_partially_out_of_stock": NotEnoughStock(sku, available=translation.stock(found)),
            "woocommerce_rest_product_invalid_quantity": QuantityRefused(_sentence(answer)),
            "woocommerce_rest_cart_invalid_product": ProductNotFound(sku),
        }
        if said in meanings:
            self._catalogue.forget(sku)
            return meanings[said]
        page = translation.product_url(found, self._catalogue.known)
        advice = "" if page is None else f" The product's own page may help: {page}"
        return ShopRefused(f"{_sentence(answer)}{advice}", internal=general_error(answer).internal)

    async def update(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        """Set a line's quantity; the shop checks stock and sales rules."""
        item = _item(await self.fetch(cart), line)
        answer = await self._rest.cart_post(cart, "/cart/update-item", {"key": item.key, "quantity": quantity})
        if answer.is_success:
            return self._after(answer, cart)
        said = error_body(answer).code
        if said == GONE_KEY:
            raise LineNotFound(line)
        if said != "invalid_quantity":
            raise await self._line_error(answer, item)
        limits = item.quantity_limits
        if quantity > limits.maximum > 0:
            raise NotEnoughStock(translation.sku_of(item), available=limits.maximum)
        raise QuantityRefused(_sentence(answer))

    async def _line_error(self, answer: UpstreamResponse, item: WooCartItemShape) -> ShopError:
        found = await self._catalogue.read(item.id)
        sku = translation.sku_of(item)
        return general_error(answer) if found is None else await self._add_error(answer, found, sku)

    async def remove(self, cart: CartId, line: LineId) -> Cart:
        """Remove a line. Raises LineNotFound, CartGone."""
        item = _item(await self.fetch(cart), line)
        answer = await self._rest.cart_post(cart, "/cart/remove-item", {"key": item.key})
        if error_body(answer).code == GONE_KEY and not answer.is_success:
            raise LineNotFound(line)
        return self._after(expect_success(answer), cart)

    async def apply_coupon(self, cart: CartId, code: str) -> Cart:
        """Apply a coupon besides those that are applied. Raises CouponRejected, CartGone."""
        before = await self.fetch(cart)
        if any(one.code.casefold() == code.strip().casefold() for one in before.coupons):
            return translation.cart(before, self._prices, cart)
        answer = await self._rest.cart_post(cart, "/cart/apply-coupon", {"code": code})
        if not answer.is_success:
            if answer.status == HTTPStatus.BAD_REQUEST:
                raise CouponRejected(code, why=f"was refused: {_sentence(answer).removesuffix('.')}")
            raise general_error(answer)
        found = answer.read(WooCartShape)
        after = self._after(answer, cart)
        dropped = {one.code for one in before.coupons} - {one.code for one in found.coupons}
        if not dropped:
            return after
        return replace(after, notice=f"The shop took {', '.join(sorted(dropped))} off the cart for it.")

    async def remove_coupon(self, cart: CartId) -> Cart:
        """Remove all coupons."""
        found = await self.fetch(cart)
        for one in found.coupons:
            answer = await self._rest.cart_post(cart, "/cart/remove-coupon", {"code": one.code})
            if answer.is_success:
                found = answer.read(WooCartShape)
            elif error_body(answer).code not in COUPON_CODES:
                raise general_error(answer)
        return translation.cart(found, self._prices, cart)

    def _after(self, answer: UpstreamResponse, cart: CartId) -> Cart:
        """The cart in the answer to a change, renamed where its token is getting old."""
        return translation.cart(answer.read(WooCartShape), self._prices, renewed_id(answer, cart))

    async def apply_gift_card(self, cart: CartId, code: str) -> Cart:  # noqa: ARG002 -- the port's form
        """Raise GiftCardRejected: this interface has none."""
        raise GiftCardRejected(NO_GIFT_CARDS)

    async def remove_gift_card(self, cart: CartId, code: str) -> Cart:  # noqa: ARG002 -- the port's form
        """The cart as it is: none is on it."""
        return await self.read(cart)


def check_cart(found: WooCartShape) -> None:
    """Raise for what the shop says is wrong with a cart's lines: OutOfStock, NotEnoughStock, ShopRefused."""
    for item in found.items:
        most = item.quantity_limits.maximum
        if not item.backorders_allowed and 0 < most < item.quantity:
            raise NotEnoughStock(translation.sku_of(item), available=most)
    for wrong in found.errors:
        said = translation.plain_error(wrong.message)
        if wrong.code.endswith("partially_out_of_stock"):
            raise NotEnoughStock(_line_sku(found, said))
        if "out_of_stock" in wrong.code:
            raise OutOfStock(_line_sku(found, said))
        raise ShopRefused(said)


def _line_sku(found: WooCartShape, said: str) -> Sku:
    """The SKU of the line that a sentence of the shop names; what it says where it names none."""
    named = (translation.sku_of(item) for item in found.items if item.name and item.name in said)
    return next(named, Sku("A product of this cart"))


def _open_attributes(
    parent: WooProductShape, product: Product, chosen: WooProductShape, left: Options
) -> Mapping[str, object]:
    """The attributes of a variation that leaves some of them open, as the buyer chose them. Raises OptionsNeeded."""
    listed = next((one for one in parent.variations if one.id == chosen.id), None)
    asked = {name.casefold().strip(): value for name, value in left.items() if isinstance(value, str)}
    sent = []
    sku = translation.sku_of(chosen)
    for one in () if listed is None else listed.attributes:
        if one.value:
            sent.append({"attribute": one.name, "value": one.value})
            continue
        values = next((axis.values for axis in product.axes if axis.label == one.name), ())
        wanted = asked.pop(one.name.casefold(), None)
        meant = next((value for value in values if wanted is not None and value.casefold() == wanted.casefold()), None)
        if meant is None:
            raise OptionsNeeded(sku, f"Choose {one.name!r} too, one of: {', '.join(values)}.")
        sent.append({"attribute": one.name, "value": meant})
    is_open = listed is not None and any(not one.value for one in listed.attributes)
    if asked:
        raise OptionsNeeded(sku, f"It has no option {next(iter(asked))!r}.") if is_open else no_options(sku)
    return {"variation": sent} if is_open else {}


def _session(cart: CartId) -> str:
    """What a cart's tokens have in common; of what is no token, itself."""
    return token_claims(cart).user_id or cart


def _sentence(answer: UpstreamResponse) -> str:
    return f"{error_reason(answer).removesuffix('.')}."


def _item(cart: WooCartShape, line: LineId) -> WooCartItemShape:
    """The item with this key, else the only one of this SKU. Raises LineNotFound."""
    by_key = [one for one in cart.items if one.key == line]
    found = by_key or [one for one in cart.items if translation.sku_of(one).casefold() == line.casefold()]
    if len(found) != 1:
        raise LineNotFound(line)
    return found[0]
