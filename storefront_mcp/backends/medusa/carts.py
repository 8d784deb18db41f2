"""Medusa's carts: reads and changes them, and maps the shop's 4xx responses to errors."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.links import NO_ORIGINS, KnownOrigins
from storefront_mcp.backends.medusa import translation
from storefront_mcp.backends.medusa.api import (
    INSUFFICIENT,
    MedusaClient,
    error_body,
    error_reason,
    expect_success,
    general_error,
    is_id,
)
from storefront_mcp.backends.medusa.prices import AmountMapper
from storefront_mcp.backends.medusa.products import MedusaProducts
from storefront_mcp.backends.medusa.regions import StoreRegion
from storefront_mcp.backends.medusa.shapes import CartBody, CartItemShape, MedusaCart, RemovedLine, VariantShape
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce import options as custom
from storefront_mcp.commerce.backend import Options
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import (
    CartGone,
    CouponRejected,
    LineNotFound,
    NotEnoughStock,
    OutOfStock,
    ProductNotFound,
    QuantityRefused,
    ShopError,
    VariantNeeded,
)
from storefront_mcp.commerce.ids import CartId, LineId, Sku
from storefront_mcp.commerce.options import no_options
from storefront_mcp.commerce.product import Variant, variant_of

ALREADY_COMPLETED: Final = "already completed"
"""What a refusal says of a cart that became an order."""
UNKNOWN_COUPON: Final = "is none of this shop's, or does not apply now: check its spelling with the buyer"
USELESS_COUPON: Final = "is one of this shop's and does not apply to this cart"


class MedusaCarts:
    """Guest carts of a store. A cart's id is its only credential."""

    def __init__(
        self,
        api: MedusaClient,
        region: StoreRegion,
        products: MedusaProducts,
        amounts: AmountMapper,
        *,
        known: KnownOrigins = NO_ORIGINS,
    ) -> None:
        self._api = api
        self._region = region
        self._products = products
        self._amounts = amounts
        self._known = known

    async def create(self) -> Cart:
        """Create an empty cart; harmless to repeat."""
        body = {"region_id": await self._region.id()}
        answer = expect_success(await self._api.send("POST", "/carts", body, harmless=True))
        return translation.cart(answer.read(CartBody).cart, self._amounts)

    async def read(self, cart: CartId) -> Cart:
        """The current cart. Raises CartGone."""
        return translation.cart(await self.fetch(cart), self._amounts)

    async def add(self, cart: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        """Add a variant. Raises as `ShopBackend.add_line`."""
        variant = await self._choose_variant(sku, options)
        shown = translation.variant_sku(variant)
        left = translation.pieces(variant)
        if left == 0:
            raise OutOfStock(shown)
        body = {"variant_id": variant.id, "quantity": quantity}
        answer = await self._api.send("POST", f"{cart_path(cart)}/line-items", body)
        return self._after_change(answer, shown, left)

    async def _choose_variant(self, sku: Sku, options: Options) -> VariantShape:
        """The variant that a SKU, or a product's and options in words, name."""
        found = await self._products.find(sku)
        if found is None:
            raise ProductNotFound(sku)
        product = translation.product(found, self._amounts, self._known)
        variants = {translation.variant_sku(one): one for one in found.variants or ()}
        if not product.variants:
            if options:
                raise no_options(sku)
            return variants[product.sku]
        chosen: Variant | None = variant_of(product, sku) or next(
            (variant_of(product, shown) for shown, one in variants.items() if one.id == sku), None
        )
        if options:
            named, left = custom.named_variant(product, options)
            if named is None or left or chosen not in (None, named):
                raise VariantNeeded(sku, product.variants)
            chosen = named
        if chosen is None:
            raise VariantNeeded(sku, product.variants)
        return variants[chosen.sku]

    async def update(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        """Set a line's quantity; 0 would remove it, so it is at least 1."""
        item = _item(await self.fetch(cart), line)
        answer = await self._api.send("POST", f"{cart_path(cart)}/line-items/{item.id}", {"quantity": max(quantity, 1)})
        if answer.status == HTTPStatus.NOT_FOUND:
            await self.fetch(cart)
            raise LineNotFound(line)
        return self._after_change(answer, translation.line_sku(item), None)

    async def remove(self, cart: CartId, line: LineId) -> Cart:
        """Remove a line, which is looked for first: the removal of one that is not there answers as any other."""
        item = _item(await self.fetch(cart), line)
        answer = await self._api.send("DELETE", f"{cart_path(cart)}/line-items/{item.id}")
        if (gone := _lost_cart(answer)) is not None:
            raise gone
        left = expect_success(answer).read(RemovedLine).parent
        return await self.read(cart) if left is None else translation.cart(left, self._amounts)

    async def apply_coupon(self, cart: CartId, code: str) -> Cart:
        """Apply a code. Raises CouponRejected and CartGone."""
        answer = await self._api.send("POST", f"{cart_path(cart)}/promotions", {"promo_codes": [code]})
        if (gone := _lost_cart(answer)) is not None:
            raise gone
        if answer.status == HTTPStatus.BAD_REQUEST:
            raise CouponRejected(code, why=UNKNOWN_COUPON)
        found = expect_success(answer).read(CartBody).cart
        if code.casefold() not in {one.casefold() for one in translation.coupon_codes(found)}:
            raise CouponRejected(code, why=USELESS_COUPON)
        return translation.cart(found, self._amounts)

    async def remove_coupon(self, cart: CartId) -> Cart:
        """Remove all codes; automatic promotions stay."""
        found = await self.fetch(cart)
        codes = [one.code for one in found.promotions or () if one.code and not one.is_automatic]
        if not codes:
            return translation.cart(found, self._amounts)
        answer = await self._api.send("DELETE", f"{cart_path(cart)}/promotions", {"promo_codes": codes})
        if (gone := _lost_cart(answer)) is not None:
            raise gone
        return translation.cart(expect_success(answer).read(CartBody).cart, self._amounts)

    async def change(self, cart: CartId, body: Mapping[str, object]) -> MedusaCart:
        """The cart after a change of its addresses, e-mail or metadata; harmless to repeat. Raises CartGone."""
        return await self.post(cart_path(cart), body)

    async def post(self, path: str, body: Mapping[str, object]) -> MedusaCart:
        """The cart after a change that is harmless to repeat. Raises CartGone."""
        answer = await self._api.send("POST", path, body, harmless=True)
        if (gone := _lost_cart(answer)) is not None:
            raise gone
        return expect_success(answer).read(CartBody).cart

    async def fetch(self, cart: CartId) -> MedusaCart:
        """The open cart in Medusa's form. Raises CartGone, also for a cart that became an order."""
        found = await self.look(cart)
        if found.completed_at:
            raise CartGone
        return found

    async def look(self, cart: CartId) -> MedusaCart:
        """The cart in Medusa's form, ordered or not. Raises CartGone."""
        answer = await self._api.get(cart_path(cart))
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        return expect_success(answer).read(CartBody).cart

    async def twin(self, found: MedusaCart, address: Mapping[str, str] | None) -> MedusaCart:
        """A cart of nobody's with the same lines and codes, for a place without a person."""
        body: dict[str, object] = {
            "region_id": await self._region.id(),
            "items": [{"variant_id": one.variant_id, "quantity": one.quantity} for one in found.items or ()],
        }
        if codes := [one.code for one in found.promotions or () if one.code and not one.is_automatic]:
            body["promo_codes"] = codes
        if address is not None:
            body |= {"shipping_address": address, "billing_address": address}
        return await self.post("/carts", body)

    async def check_stock(self, items: Iterable[CartItemShape]) -> None:
        """Check lines against the stock that the shop shows. Raises OutOfStock and NotEnoughStock."""
        wanted: dict[str, int] = {}
        named: dict[str, Sku] = {}
        products = []
        for item in items:
            key = item.variant_id or ""
            wanted[key] = wanted.get(key, 0) + item.quantity
            named[key] = translation.line_sku(item)
            products.append(item.product_id or "")
        found = await self._products.read_all(products)
        variants = {one.id: one for product in found.values() for one in product.variants or ()}
        for key, quantity in wanted.items():
            left = 0 if key not in variants else translation.pieces(variants[key])
            if left == 0:
                raise OutOfStock(named[key])
            if left is not None and left < quantity:
                raise NotEnoughStock(named[key], available=left)

    def _after_change(self, answer: UpstreamResponse, sku: Sku, left: int | None) -> Cart:
        """The cart after a change of a line, or the error that a refusal means."""
        if answer.is_success:
            return translation.cart(answer.read(CartBody).cart, self._amounts)
        raise _line_error(answer, sku, left)


def cart_path(cart: CartId) -> str:
    """API path of a cart. Raises CartGone for what is no id."""
    if not is_id(cart):
        raise CartGone
    return f"/carts/{cart}"


def _lost_cart(answer: UpstreamResponse) -> CartGone | None:
    """Whether a refusal says that there is no such cart, or that it became an order."""
    if answer.is_success:
        return None
    lost = answer.status == HTTPStatus.NOT_FOUND or ALREADY_COMPLETED in error_body(answer).message
    return CartGone() if lost else None


def _line_error(answer: UpstreamResponse, sku: Sku, left: int | None) -> ShopError:
    """The error that a refusal of a line means."""
    if (gone := _lost_cart(answer)) is not None:
        return gone
    said = error_body(answer)
    if said.code == INSUFFICIENT:
        return NotEnoughStock(sku, available=left)
    if answer.status == HTTPStatus.BAD_REQUEST and "do not exist or belong" in said.message:
        return ProductNotFound(sku)
    if answer.status == HTTPStatus.BAD_REQUEST and "quantity" in said.message:
        return QuantityRefused(f"{error_reason(answer).removesuffix('.')}.")
    return general_error(answer)


def _item(cart: MedusaCart, line: LineId) -> CartItemShape:
    """The item with this id, else the only one of this SKU. Raises LineNotFound."""
    items = cart.items or ()
    found = [one for one in items if one.id == line] or [
        one for one in items if translation.line_sku(one).casefold() == line.casefold()
    ]
    if len(found) != 1:
        raise LineNotFound(line)
    return found[0]
