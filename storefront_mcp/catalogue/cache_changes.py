"""What has changed in catalogues: told by webhooks, operators and carts, and known to every worker within a second."""

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from storefront_mcp.catalogue.cache import CatalogueCache
from storefront_mcp.commerce.cart import Cart, CartLine
from storefront_mcp.commerce.guest_carts import CartObserver
from storefront_mcp.commerce.ids import Sku, StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import Product
from storefront_mcp.records.catalogue_changes import EVERYTHING, CatalogueChange, CatalogueChanges

log: Final = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
"""Between two looks at the record, so that what one worker knows all know within a second."""
MAX_PENDING: Final = 1_000
"""Changed products of a store that wait to be written down; with more of them everything has changed."""
MAX_READ: Final = 1_000
"""Changes that are read at a time."""
MAX_SEEN_CARTS: Final = 1_000
"""Carts that wait to be compared with what is remembered; the oldest go first."""
MAX_KNOWN_PRICES: Final = 10_000
"""Pairs of prices that are known to differ, as of a product whose price depends on its cart."""


class CatalogueChangeWatch:
    """Forgets in one worker's caches what has changed, and tells the others through the database."""

    def __init__(self, record: CatalogueChanges, *, now: Callable[[], float] = time.time) -> None:
        """`now` gives Unix seconds."""
        self._record = record
        self._now = now
        self._caches: dict[StoreId, CatalogueCache] = {}
        self._pending: dict[StoreId, set[str] | None] = {}
        """By store the products to write down; None where everything has changed."""
        self._seen: dict[StoreId, deque[Cart]] = {}
        """By store the carts that wait to be compared."""
        self._known_prices: OrderedDict[tuple[StoreId, Sku, Money, Money], None] = OrderedDict()
        self._failing = False
        self._number = -1
        """Of the last change that was read; -1 before the first look."""

    def add(self, store: StoreId, cache: CatalogueCache) -> CartObserver:
        """Watch a store's cache; returns what its carts are to tell."""
        self._caches[store] = cache
        seen: deque[Cart] = deque(maxlen=MAX_SEEN_CARTS)
        self._seen[store] = seen
        return CartObserver(seen=seen.append, refused=lambda sku: self.report(store, (sku,)))

    def report(self, store: StoreId, skus: Iterable[str]) -> None:
        """Products have changed: this worker forgets them now, the others soon."""
        changed = {sku for sku in skus if sku}
        pending = self._pending.setdefault(store, set())
        if pending is None or not changed:
            return
        if len(pending) + len(changed) > MAX_PENDING:
            self.report_all(store)
            return
        pending |= changed
        self._caches[store].forget(changed)

    def report_all(self, store: StoreId) -> None:
        """Everything may have changed."""
        self._pending[store] = None
        self._caches[store].forget_all()

    async def poll(self) -> None:
        """Compare carts, write down what is known, and read what others know; a failure is logged once.

        What could not be written down waits.
        """
        self.compare_carts()
        pending = self.take_pending()
        try:
            # The database may be remote, so it is asked in a thread.
            self.apply(await asyncio.to_thread(self.exchange, pending))
        except Exception:
            if not self._failing:
                log.exception("changes of catalogues cannot be exchanged; each worker knows its own")
            self._failing = True
            self._put_back(pending)
        else:
            self._failing = False

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.poll()

    def take_pending(self) -> Mapping[StoreId, set[str] | None]:
        """What waits to be written down; it waits no longer."""
        pending, self._pending = self._pending, {}
        return pending

    def exchange(self, pending: Mapping[StoreId, set[str] | None]) -> list[CatalogueChange]:
        """Write down what is pending, and read what is new; blocks."""
        for store, skus in pending.items():
            names = (EVERYTHING,) if skus is None else sorted(skus)
            if names:
                self._record.append(store, names, now=self._now())
        found: list[CatalogueChange] = []
        number, before = self._number, -1
        while len(found) > before:
            before = len(found)
            found += self._record.list_after(number, limit=MAX_READ)
            number = found[-1].number if found else number
        return found

    def apply(self, changes: Iterable[CatalogueChange]) -> None:
        """Forget what has changed. At the first look, which finds old changes, only what was asked for before them."""
        first, skus = self._number < 0, dict[StoreId, set[str]]()
        for change in changes:
            self._number = change.number
            cache = self._caches.get(change.store)
            if cache is None:
                continue
            at = change.at if first else self._now()
            if change.name == EVERYTHING:
                skus.pop(change.store, None)
                cache.forget_all(at=at)
            elif first:
                cache.forget((change.name,), at=at)
            else:
                skus.setdefault(change.store, set()).add(change.name)
        for store, changed in skus.items():
            self._caches[store].forget(changed)
        self._number = max(self._number, 0)

    def compare_carts(self) -> None:
        """Forget products of which a cart has just shown another price."""
        for store, carts in self._seen.items():
            while carts:
                cart = carts.popleft()
                self.report(store, [line.sku for line in cart.lines if self._is_repriced(store, line)])

    def _is_repriced(self, store: StoreId, line: CartLine) -> bool:
        """Whether what is remembered of a line's product is another price, and not known to be."""
        entry = self._caches[store].memory.find(("product", line.sku))
        if entry is None:
            return False
        shown = _shown_price(entry.value, line)
        if shown is None or shown == line.price:
            return False
        pair = (store, line.sku, shown, line.price)
        known = pair in self._known_prices
        self._known_prices[pair] = None
        if len(self._known_prices) > MAX_KNOWN_PRICES:
            self._known_prices.popitem(last=False)
        return not known

    def _put_back(self, pending: Mapping[StoreId, set[str] | None]) -> None:
        for store, skus in pending.items():
            waiting = self._pending.setdefault(store, set())
            if skus is None or waiting is None or len(skus) + len(waiting) > MAX_PENDING:
                self._pending[store] = None
            else:
                waiting |= skus


def _shown_price(product: Product, line: CartLine) -> Money | None:
    """The unit price that a product shows for a line; None where it depends on what was chosen."""
    if product.custom_options or product.tier_prices:
        return None
    variant = next((one for one in product.variants if one.sku == line.sku), None)
    return product.price if variant is None or variant.price is None else variant.price
