"""Ways to send a cart: Medusa's shipping options, one for each shipping profile of its goods."""

import itertools
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final

from msgspec import Struct

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.medusa.api import MedusaClient, expect_success
from storefront_mcp.backends.medusa.carts import MedusaCarts, cart_path
from storefront_mcp.backends.medusa.prices import AmountMapper
from storefront_mcp.backends.medusa.shapes import CalculatedOption, MedusaCart, ShippingOptions, ShippingOptionShape
from storefront_mcp.commerce.errors import CartGone, ShippingMethodRefused
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.shipping import ShippingMethod

CALCULATED: Final = "calculated"
"""`price_type` of an option whose price a fulfilment provider computes for each cart."""
SEPARATOR: Final = "+"
"""Between the ids of options that together send a cart."""
MAX_PROFILES: Final = 4
MAX_METHODS: Final = 50


class ShippingWay(Struct, frozen=True):
    """One option for each shipping profile of a cart."""

    options: tuple[ShippingOptionShape, ...]

    @property
    def code(self) -> str:
        """The ids of its options."""
        return SEPARATOR.join(option.id for option in self.options)


class CartShippingOptions:
    """Reads and chooses shipping options. They depend on the address that the shop has stored on the cart."""

    def __init__(self, api: MedusaClient, carts: MedusaCarts, amounts: AmountMapper) -> None:
        self._api = api
        self._carts = carts
        self._amounts = amounts

    async def ways(self, cart: CartId) -> tuple[ShippingWay, ...]:
        """The ways to send a cart to its address, with prices; those that lack stock are left out."""
        answer = await self._api.get("/shipping-options", {"cart_id": cart})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        by_profile: dict[str, list[ShippingOptionShape]] = {}
        for option in expect_success(answer).read(ShippingOptions).shipping_options:
            options = by_profile.setdefault(option.shipping_profile_id or "", [])
            priced = await self._with_price(cart, option)
            if priced.amount is not None and not option.insufficient_inventory:
                options.append(priced)
        if not by_profile or len(by_profile) > MAX_PROFILES:
            return ()
        combinations = itertools.islice(itertools.product(*by_profile.values()), MAX_METHODS)
        return tuple(map(ShippingWay, combinations))

    def methods(self, ways: Iterable[ShippingWay]) -> tuple[ShippingMethod, ...]:
        """Ways as agents see them."""
        return tuple(
            ShippingMethod(
                code=way.code,
                title=" + ".join(sanitizing.line(one.name) or one.id for one in way.options),
                price=sum((self._amounts.money(one.amount) for one in way.options), self._amounts.money(None)),
            )
            for way in ways
        )

    async def choose(self, cart: CartId, code: str) -> tuple[MedusaCart, str]:
        """Put the way with this code on the cart: the cart, and what it is called. Raises ShippingMethodRefused."""
        ways = await self.ways(cart)
        chosen = next((way for way in ways if way.code == code), None)
        if chosen is None:
            raise ShippingMethodRefused(code, self.methods(ways))
        after: MedusaCart | None = None
        for option in chosen.options:
            after = await self._carts.post(f"{cart_path(cart)}/shipping-methods", {"option_id": option.id})
        [shown] = self.methods([chosen])
        return after or await self._carts.fetch(cart), shown.title

    async def _with_price(self, cart: CartId, option: ShippingOptionShape) -> ShippingOptionShape:
        """An option with its price for this cart; without one where the provider computes none."""
        if option.price_type != CALCULATED:
            return option
        path = f"/shipping-options/{option.id}/calculate"
        answer = await self._api.send("POST", path, {"cart_id": cart, "data": {}}, harmless=True)
        return answer.read(CalculatedOption).shipping_option if answer.is_success else option


def sort_by_price(methods: Sequence[ShippingMethod]) -> Sequence[ShippingMethod]:
    """Cheapest first; the order of the shop's list says nothing."""
    return sorted(methods, key=lambda method: method.price.minor)
