"""Twins of carts, carts of nobody's: made, cleared once they were used, and used again.

Where a ledger has a twin on record, it is cleared behind the answer; whatever a process leaves when it ends is cleared
by the next one. Without a ledger it is cleared before the answer.
"""

import asyncio
import logging
from typing import Final

from storefront_mcp.backends.maho.carts import MahoCarts, cart_path
from storefront_mcp.backends.maho.order_quotes import NO_SETTER_STATUSES
from storefront_mcp.backends.maho.rest import RestClient, expect_success
from storefront_mcp.commerce.errors import CartGone, ShopError
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.records.scratch_carts import ScratchCartLedger, ScratchCartNote

log: Final = logging.getLogger(__name__)

MAX_FREE_TWINS: Final = 20
"""Empty twins kept for later previews."""
MAX_CLEARING: Final = 50
"""Twins that are cleared behind answers at a time; more are cleared before them."""
CLOSE_SECONDS: Final = 5.0
"""What clearing gets at the end of a process; what is left then is on record."""
NOBODY: Final = dict.fromkeys(("firstName", "lastName", "street", "city", "postcode", "telephone"), "-")
"""In place of a buyer on a twin, whose addresses cannot be emptied."""


class TwinCarts:
    """The twins of one process."""

    def __init__(self, rest: RestClient, carts: MahoCarts, ledger: ScratchCartLedger | None = None) -> None:
        self._rest = rest
        self._carts = carts
        self._ledger = ledger
        self._free: list[CartId] = []
        self._can_clear: bool | None = None
        """Whether a twin's addresses can be overwritten; None until that was tried on an empty one."""
        self._clearing: set[asyncio.Task[None]] = set()

    async def take(self, *, fresh: bool) -> CartId | None:
        """An empty twin; None where its addresses could not be overwritten.

        One that was used before, which is not `fresh`, has a shipping method.
        """
        if self._can_clear is False:
            return None
        twin = self._free.pop() if self._free and not fresh else (await self._carts.create()).cart_id
        if self._can_clear is None:
            # Try it once: what a quote stores on a twin has to come off again.
            tried = await self._rest.send("PUT", f"{cart_path(twin)}/billing-address", NOBODY, harmless=True)
            self._can_clear = tried.status not in NO_SETTER_STATUSES
        return twin if self._can_clear else None

    async def note(self, twin: CartId, country: str) -> bool:
        """Put a twin on record before it gets anything; whether it is."""
        return self._ledger is not None and await self._ledger.note(ScratchCartNote(cart=twin, country=country))

    async def clear(self, twin: CartId, country: str, *, noted: bool) -> None:
        """Take buyer and lines off a twin: in the background where it is on record."""
        if not noted or len(self._clearing) >= MAX_CLEARING:
            await self._clear(twin, country)
            return
        task = asyncio.create_task(self._clear(twin, country), name="clear a twin")
        self._clearing.add(task)
        task.add_done_callback(self._clearing.discard)

    async def clear_left(self) -> None:
        """Clear what processes left that have ended."""
        for note in () if self._ledger is None else await self._ledger.list_left():
            await self._clear(note.cart, note.country)

    async def close(self) -> None:
        """Wait for what is being cleared, for a while."""
        if self._clearing:
            _, late = await asyncio.wait(self._clearing, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _clear(self, twin: CartId, country: str) -> None:
        """What fails is left as it is, on record where there is one."""
        nobody = {**NOBODY, "countryId": country}
        try:
            for kind in ("shipping-address", "billing-address"):
                await self._rest.send("PUT", f"{cart_path(twin)}/{kind}", nobody, harmless=True)
            for item in (await self._carts.fetch(twin)).items:
                path = f"{cart_path(twin)}/items/{item.id}"
                expect_success(await self._rest.send("DELETE", path, harmless=True))
        except CartGone:
            pass
        except ShopError as error:
            log.info("a preview left something on a cart: %s", error.internal)
            return
        else:
            if len(self._free) < MAX_FREE_TWINS:
                self._free.append(twin)
        if self._ledger is not None:
            await self._ledger.forget(twin)
