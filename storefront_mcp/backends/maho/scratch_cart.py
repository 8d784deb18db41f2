"""Asks the shop about a SKU by putting it into a cart that nobody uses: only the add call knows all SKUs and rules.

Maho's search finds neither sold-out products nor variants by SKU, and no field tells a guest whether backorders are
allowed or the stock is managed.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.maho import line_errors
from storefront_mcp.backends.maho.rest import RestClient, expect_success
from storefront_mcp.backends.maho.shapes import GuestCart
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.ids import Sku

log: Final = logging.getLogger(__name__)

REFUSAL_STATUSES: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
MAX_KNOWN_TRIALS: Final = 2000
TRIAL_TTL_SECONDS: Final = 60.0


class CartTrial(Struct, frozen=True, kw_only=True):
    """How the shop took an attempt to add a SKU."""

    product: int | None = None
    """Id of the product that the line belongs to, a variant's parent; None when it was refused."""
    cart: GuestCart | None = None
    """The cart with that line alone."""
    refused: ShopError | None = None
    """Why it was refused."""


class ScratchCart:
    """One cart of this process, emptied after each trial. Outcomes are cached for a minute."""

    def __init__(self, rest: RestClient, *, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._cart: str | None = None
        self._alone = asyncio.Lock()
        self._known: TtlCache[tuple[str, int], CartTrial] = TtlCache(
            size=MAX_KNOWN_TRIALS, seconds=TRIAL_TTL_SECONDS, clock=clock
        )
        self.caches: Final = (self._known,)

    async def try_add(self, sku: str, quantity: int = 1) -> CartTrial:
        """Try to add so many pieces, without options. Raises ShopDown and its subclasses, ShopBusy."""
        async with self._alone:
            known = self._known.find((sku, quantity))
            if known is None:
                known = await self._try({"sku": sku, "qty": quantity})
                self._known[sku, quantity] = replace(known, cart=None)
            return known

    async def try_line(self, body: Mapping[str, object]) -> CartTrial:
        """Try to add a line, in the form of the add call, with its options. Not cached. Raises as `try_add`."""
        async with self._alone:
            return await self._try(body)

    async def _try(self, body: Mapping[str, object]) -> CartTrial:
        if self._cart is None:
            made = expect_success(await self._rest.send("POST", "/guest-carts", harmless=True)).read(GuestCart)
            self._cart = made.masked_id
        path = f"/guest-carts/{quote(self._cart or '', safe='')}/items"
        # Nobody ever orders this cart, so a lost response does no harm.
        answer = await self._rest.send("POST", path, dict(body), harmless=True)
        if not answer.is_success:
            if answer.status not in REFUSAL_STATUSES:
                self._cart = None
            return CartTrial(refused=line_errors.line_error(answer, Sku(str(body["sku"])), None))
        return await self._read_and_empty(answer)

    async def _read_and_empty(self, answer: UpstreamResponse) -> CartTrial:
        """What was added, taken out again; a cart that cannot be emptied is left to the shop."""
        self._cart, found = None, answer.read(GuestCart)
        if found.masked_id is not None and len(found.items) == 1:
            path = f"/guest-carts/{quote(found.masked_id, safe='')}/items/{found.items[0].id}"
            try:
                emptied = await self._rest.send("DELETE", path, harmless=True)
            except ShopError as error:
                log.info("the scratch cart is left behind: %s", error.internal)
            else:
                self._cart = found.masked_id if emptied.is_success else None
        return CartTrial(product=found.items[-1].product_id if found.items else None, cart=found)
