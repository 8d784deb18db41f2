"""Learns whether prices include tax from plain products in a cart that nobody uses, where a buyer's cannot tell."""

import logging
from collections.abc import Callable
from typing import Final

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.maho.prices import TaxDisplay, is_amount
from storefront_mcp.backends.maho.rest import RestClient
from storefront_mcp.backends.maho.scratch_cart import ScratchCart
from storefront_mcp.backends.maho.shapes import CollectionShape, ListedProduct
from storefront_mcp.commerce.errors import ShopError

log: Final = logging.getLogger(__name__)

PRODUCTS_READ: Final = 20
MAX_TRIALS: Final = 3
"""Products that are tried: some are sold out or bear no tax."""
TRIED_TTL_SECONDS: Final = 600.0
"""Until the same is tried again in a shop where it taught nothing."""


class TaxTrial:
    """Trials of one store, at most one run in ten minutes."""

    def __init__(self, rest: RestClient, scratch: ScratchCart, tax: TaxDisplay, *, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._scratch = scratch
        self._tax = tax
        self._tried: TtlCache[None, bool] = TtlCache(size=1, seconds=TRIED_TTL_SECONDS, clock=clock)
        self.caches: Final = (self._tried,)

    async def learn(self) -> None:
        """Learn it, unless it is known or was tried a while ago. What the shop refuses is left for another time."""
        if self._tax.is_known or self._tried.find(None) is not None:
            return
        self._tried[None] = True
        try:
            await self._try_plain_products()
        except ShopError as error:
            log.info("whether prices include tax was not learned: %s", error.internal)

    async def _try_plain_products(self) -> None:
        found = await self._rest.page(CollectionShape[ListedProduct], "/products", {}, number=1, size=PRODUCTS_READ)
        plain = [one for one in found.member if one.type == "simple" and not one.has_required_options]
        priced = [one for one in plain if is_amount(one.final_price) and one.final_price > 0]
        for one in priced[:MAX_TRIALS]:
            trial = await self._scratch.try_line({"sku": one.sku, "qty": 1})
            for item in () if trial.cart is None else trial.cart.items:
                self._tax.learn(item, one.final_price)
            if self._tax.is_known:
                return
