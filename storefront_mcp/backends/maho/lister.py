"""Reads Maho's whole catalogue by page: implements `commerce.listing.CatalogueLister`."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final, TypeVar

import httpx
import msgspec

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.list_pages import (
    ListPage,
    SizedPages,
    answered_at,
    brief_page,
    entry_page,
    next_position,
    page_of_one_lost,
    position_of,
    single_entry,
    unreadable_product,
)
from storefront_mcp.backends.maho import MahoConfig, client_of
from storefront_mcp.backends.maho.categories import MAX_TREE_DEPTH, MahoCategories
from storefront_mcp.backends.maho.entries import ENABLED, EntryMapper, EntryShape, ShopZone
from storefront_mcp.backends.maho.prices import PriceMapper, TaxDisplay
from storefront_mcp.backends.maho.products import MahoProducts
from storefront_mcp.backends.maho.rest import RestClient, expect_success, is_id
from storefront_mcp.backends.maho.shapes import CollectionShape, ListedProduct, StoreConfig
from storefront_mcp.backends.maho.translation import HIDDEN_VISIBILITY, summary
from storefront_mcp.backends.salvaging import read_members
from storefront_mcp.backends.timestamps import utc_text
from storefront_mcp.backends.upstream_messages import BodyTooLong
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import ShopDown, ShopError
from storefront_mcp.commerce.listing import BriefPage, CatalogueEntry, EntryPage

M = TypeVar("M")

WHOLE: Final = {"fullDetail": "1"}
BY_ID: Final = {"sortBy": "entity_id", "sortDir": "asc"}
"""A stable order."""
NEWEST_CHANGE_FIRST: Final = {"sortBy": "updated_at", "sortDir": "desc"}
MAX_PRICED: Final = 20
"""Products of one answer whose required texts a cart is asked about; of others it is not told what these cost."""
FAR_SECONDS: Final = 366 * 24 * 3600
"""How far ahead the date lies for which a shop that knows `updatedSince` has no changes."""


class MahoLister:
    """Implements `CatalogueLister`, one call at a time. A page's position is the number of products before it."""

    def __init__(
        self,
        rest: RestClient,
        prices: PriceMapper,
        known: KnownOrigins,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` gives Unix seconds, for answers without a date."""
        self._rest = rest
        self._prices = prices
        self._now = now
        self._budget = WorkBudget(1.0)
        self._clock = clock
        self._products = MahoProducts(rest, self._tree(), prices, self._budget, clock=clock)
        self._zone = ShopZone()
        self._mapper = EntryMapper(prices, known, self._zone)
        self._pages = SizedPages()
        self._knows_since: bool | None = None
        """Whether the shop filters by date of change; None while that is not known."""

    async def page(self, after: str | None = None) -> EntryPage:
        """Whole products by ascending id."""
        return await self._whole_page({**WHOLE, **BY_ID}, after)

    async def brief_page(self, after: str | None = None) -> BriefPage:
        """What is listed, by ascending id: neither what is sold out nor what only words find."""
        found = await self._list(BY_ID, position_of(after), ListedProduct)
        return brief_page(found, lambda one: str(one.id), lambda one: summary(one, self._prices))

    async def changes(self, since: float, after: str | None = None) -> EntryPage:
        """By the shop's filter where it has one; else newest change first, up to the first that is older."""
        if self._knows_since is None:
            self._knows_since = await self._filters_by_change()
        if self._knows_since:
            return await self._whole_page({**WHOLE, **BY_ID, "updatedSince": utc_text(since)}, after)
        page = await self._whole_page({**WHOLE, **NEWEST_CHANGE_FIRST}, after)
        newer = tuple(one for one in page.entries if one.changed is None or one.changed >= since)
        if len(newer) == len(page.entries):
            return page
        return msgspec.structs.replace(page, entries=newer, unreadable=(), next=None)

    async def read(self, key: str) -> CatalogueEntry | None:
        """By id; None for a variant, and for what is switched off."""
        if not is_id(key):
            return None
        try:
            answer = await self._rest.get(f"/products/{key}")
        except ShopDown as error:
            if isinstance(error.__cause__, BodyTooLong):
                raise unreadable_product(key) from error
            raise
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        await self._learn_zone()
        ((found, _lost),) = read_members([msgspec.Raw(expect_success(answer).body)], EntryShape)
        if found is not None and (found.visibility == HIDDEN_VISIBILITY or found.status != ENABLED):
            return None
        entry = single_entry(found, key, self._mapper.entry)
        return None if found is None or entry is None else (await self._with_prices([(found, entry)]))[0]

    async def find(self, sku: str) -> CatalogueEntry | None:
        """By SKU or url key, as the shop's search knows it: not what is sold out, nor by the SKU of a variant."""
        found = await self._products.find(sku, by_trial=False)
        return None if found is None else await self.read(str(found.id))

    async def categories(self) -> Sequence[Category]:
        """The whole tree, read anew."""
        return await self._tree().tree(None, depth=MAX_TREE_DEPTH)

    def _tree(self) -> MahoCategories:
        return MahoCategories(self._rest, self._budget, clock=self._clock)

    async def _whole_page(self, query: dict[str, str], after: str | None) -> EntryPage:
        await self._learn_zone()
        found = await self._list(query, position_of(after), EntryShape)
        page = entry_page(found, lambda one: str(one.id), self._mapper.entry)
        shapes = {str(one.id): one for one, _lost in found.members if one is not None}
        priced = await self._with_prices([(shapes[entry.key], entry) for entry in page.entries])
        return msgspec.structs.replace(page, entries=tuple(priced))

    async def _with_prices(self, entries: Sequence[tuple[EntryShape, CatalogueEntry]]) -> Sequence[CatalogueEntry]:
        """The entries with what their required texts cost, as far as a cart that nobody uses tells now."""
        texts, asked = self._products.texts, 0
        with contextlib.suppress(ShopError):
            for shape, entry in entries:
                asked += await texts.learn_required(shape, entry.product)
                if asked == MAX_PRICED:
                    break
        return [
            msgspec.structs.replace(entry, product=texts.with_required(shape, entry.product))
            for shape, entry in entries
        ]

    async def _list(self, query: dict[str, str], seen: int, kind: type[M]) -> ListPage[M]:
        return await self._pages.read(
            seen, lambda size: self._list_of(query, seen, size, kind), lambda: self._page_without(seen)
        )

    async def _list_of(self, query: dict[str, str], seen: int, size: int, kind: type[M]) -> ListPage[M]:
        asked = {**query, "page": str(seen // size + 1), "pageSize": str(size)}
        answer = expect_success(await self._rest.get("/products", asked))
        found = answer.read(CollectionShape[msgspec.Raw])
        # A page past the end repeats the last one.
        members = [] if seen >= found.totalItems else found.member[:size]
        return ListPage(
            members=list(read_members(members, kind)),
            total=found.totalItems,
            next=next_position(seen, len(members), found.totalItems),
            shop_time=answered_at(answer, self._now),
        )

    async def _page_without(self, seen: int) -> ListPage[M]:
        """A page of the one product there that is too long to be read, which is named where a short list can."""
        key, total = None, seen + 2
        with contextlib.suppress(ShopDown):
            brief = await self._list_of(BY_ID, seen, 1, ListedProduct)
            total = brief.total
            key = next((str(one.id) for one, _lost in brief.members if one is not None), None)
        return page_of_one_lost(key, seen, total, self._now())

    async def _filters_by_change(self) -> bool:
        """Shops that do not know the filter list everything, also for a date far ahead."""
        ahead = {"updatedSince": utc_text(self._now() + FAR_SECONDS)}
        found = await self._rest.page(CollectionShape[ListedProduct], "/products", ahead, number=1, size=1)
        return found.totalItems == 0

    async def _learn_zone(self) -> None:
        """Ask once in which time zone the shop's dates are."""
        if not self._zone.known:
            answer = await self._rest.get("/store-config")
            self._zone.learn(expect_success(answer).read(StoreConfig).timezone)


def list_shop(
    shop: MahoConfig,
    currency: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
    limits: ClientLimits | None = None,
) -> tuple[MahoLister, Callable[[], Awaitable[None]]]:
    """Build a lister and its close function. Sends nothing; `transport` replaces the network, `limits` the shop's."""
    if limits is not None:
        shop = msgspec.structs.replace(shop, limits=limits)
    rest, known = client_of(shop, currency, transport=transport, clock=clock)
    prices = PriceMapper(currency=currency, tax=TaxDisplay(clock=clock))
    return MahoLister(rest, prices, known, clock=clock, now=now), rest.close
