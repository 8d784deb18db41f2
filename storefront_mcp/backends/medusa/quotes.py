"""Quotes of orders, with the checks of e-mail and addresses that Medusa does not make."""

from collections.abc import Sequence

from msgspec.structs import replace

from storefront_mcp.backends.medusa import translation
from storefront_mcp.backends.medusa.addresses import AddressChecker
from storefront_mcp.backends.medusa.carts import MedusaCarts
from storefront_mcp.backends.medusa.prices import AmountMapper
from storefront_mcp.backends.medusa.regions import StoreRegion
from storefront_mcp.backends.medusa.shapes import CartItemShape, MedusaCart
from storefront_mcp.backends.medusa.shipping import CartShippingOptions, sort_by_price
from storefront_mcp.backends.postal.emails import has_email_form
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import AddressRefused, CartEmpty, EmailRefused, OrderRefused, ShippingMethodRefused
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import OrderDraft, OrderPreview, PaymentMethod
from storefront_mcp.commerce.page import StoreFacts
from storefront_mcp.commerce.shipping import ShippingMethod


class CartQuotes:
    """Shipping quotes, quotes of orders and payment methods of guest carts."""

    def __init__(
        self,
        carts: MedusaCarts,
        shipping: CartShippingOptions,
        addresses: AddressChecker,
        region: StoreRegion,
        amounts: AmountMapper,
        *,
        minimum: Money | None,
    ) -> None:
        """`minimum`: the least that goods must cost after discounts."""
        self._carts = carts
        self._shipping = shipping
        self._addresses = addresses
        self._region = region
        self._amounts = amounts
        self._minimum = minimum

    async def shipping_methods(self, cart: CartId, address: Address) -> Sequence[ShippingMethod] | None:
        """Ways to send a cart there; None where nothing is sent. Medusa stores the address on the cart."""
        body = await self._addresses.address(address)
        found = await self._carts.change(cart, {"shipping_address": body})
        if translation.ships_nothing(found):
            return None
        return sort_by_price(self._shipping.methods(await self._shipping.ways(cart)))

    async def quote(self, cart: CartId, draft: OrderDraft) -> Cart:
        """The cart with the totals that its order will have; e-mail, addresses and shipping are stored on it.

        Raises as `ShopBackend.quote_order`.
        """
        found = await self._carts.fetch(cart)
        await self._carts.check_stock(_lines(found))
        changes = await self.buyer(found, draft)
        settled = await self._carts.change(cart, changes)
        return await self._with_shipping(settled, cart, draft)

    async def preview(self, cart: CartId, draft: OrderDraft) -> OrderPreview:
        """The totals and payment methods of an order, of a twin that has a place and nobody's name."""
        found = await self._carts.fetch(cart)
        await self._carts.check_stock(_lines(found))
        await self.buyer(found, draft)
        place = draft.shipping_address or draft.billing_address
        twin = await self._carts.twin(found, await self._addresses.address(place.place()))
        priced = await self._with_shipping(twin, CartId(twin.id), draft)
        methods = await self._region.payment_methods(priced.totals.total)
        return OrderPreview(cart=replace(priced, cart_id=cart), methods=tuple(methods))

    async def buyer(self, found: MedusaCart, draft: OrderDraft) -> dict[str, object]:
        """E-mail and addresses in Medusa's form. Raises EmailRefused, CountryNotServed and AddressRefused.

        Of an address that is both, what it lacks is said of `shipping_address`, as it was given.
        """
        if not has_email_form(draft.email):
            raise EmailRefused
        body: dict[str, object] = {"email": draft.email}
        if draft.shipping_address is not None:
            body["shipping_address"] = await self._addresses.postal(draft.shipping_address, what="shipping_address")
        elif not translation.ships_nothing(found):
            raise AddressRefused("shipping_address is missing: the whole address that the goods go to.")
        return body | {"billing_address": await self._addresses.postal(draft.billing_address, what="billing_address")}

    async def payment_methods(self, cart: CartId) -> Sequence[PaymentMethod]:
        """The payment methods of a cart. Raises CartGone."""
        return await self._region.payment_methods(self._amounts.money((await self._carts.fetch(cart)).total))

    async def store_facts(self) -> StoreFacts:
        """Countries and payment methods of the region. Guests may always order."""
        return StoreFacts(
            countries=await self._region.countries(), payment_methods=tuple(await self._region.payment_methods())
        )

    async def _with_shipping(self, settled: MedusaCart, cart: CartId, draft: OrderDraft) -> Cart:
        title: str | None = None
        if not translation.ships_nothing(settled):
            if not draft.shipping_method:
                raise ShippingMethodRefused("", self._shipping.methods(await self._shipping.ways(cart)))
            settled, title = await self._shipping.choose(cart, draft.shipping_method)
        priced = replace(translation.cart(settled, self._amounts), ships_by=title)
        self._check_minimum(priced)
        return priced

    def _check_minimum(self, priced: Cart) -> None:
        """Raise OrderRefused below the store's least order."""
        totals, least = priced.totals, self._minimum
        goods = totals.subtotal if totals.discount is None else totals.subtotal - totals.discount
        if least is not None and goods.minor < least.minor:
            raise OrderRefused(f"the goods come to {goods}, and it takes orders from {least} on. Add some.")


def _lines(found: MedusaCart) -> Sequence[CartItemShape]:
    """The lines. Raises CartEmpty."""
    if not found.items:
        raise CartEmpty
    return found.items
