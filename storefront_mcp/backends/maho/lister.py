"""Reads Maho's whole catalogue by page: implements `commerce.listing.CatalogueLister`."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Generic, ParamSpec, TypeVar

import httpx
import msgspec
from msgspec import Struct

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.maho import MahoConfig, client_of
from storefront_mcp.backends.maho.categories import MAX_TREE_DEPTH, MahoCategories
from storefront_mcp.backends.maho.entries import ENABLED, EntryMapper, EntryShape, ShopZone
from storefront_mcp.backends.maho.prices import PriceMapper, TaxDisplay
from storefront_mcp.backends.maho.products import MahoProducts
from storefront_mcp.backends.maho.rest import RestClient, expect_success, is_id
from storefront_mcp.backends.maho.shapes import CollectionShape, ListedProduct, StoreConfig
from storefront_mcp.backends.maho.translation import HIDDEN_VISIBILITY, summary
from storefront_mcp.backends.salvaging import read_members
from storefront_mcp.backends.upstream_messages import BodyTooLong, UpstreamResponse
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import ShopDown, ShopMisconfigured, ShopRefused
from storefront_mcp.commerce.listing import BriefEntry, BriefPage, CatalogueEntry, EntryPage

M = TypeVar("M")
P = ParamSpec("P")
T = TypeVar("T")

PAGE_SIZES: Final = (100, 50, 10, 1)
"""Products that one call asks for: the most that Maho gives, and less where that is too much for it or for us."""
PAGES_UNTIL_LARGER: Final = 20
"""Pages of a smaller size until a larger one is tried again."""
WHOLE: Final = {"fullDetail": "1"}
BY_ID: Final = {"sortBy": "entity_id", "sortDir": "asc"}
"""A stable order."""
NEWEST_CHANGE_FIRST: Final = {"sortBy": "updated_at", "sortDir": "desc"}
TOO_MUCH: Final = (BodyTooLong, TimeoutError, httpx.ReadTimeout)
"""Failures of a call that a smaller page may not have."""
FAR_SECONDS: Final = 366 * 24 * 3600
"""How far ahead the date lies for which a shop that knows `updatedSince` has no changes."""


class ListPage(Struct, Generic[M], frozen=True, kw_only=True):
    """One page of a list."""

    members: list[tuple[M | None, str | None]]
    """Each as it was read; None where it could not be, and then its id if it has one."""
    total: int
    next: str | None
    shop_time: float


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
        self._step = 0
        """Index in PAGE_SIZES."""
        self._pages_of_step = 0
        self._knows_since: bool | None = None
        """Whether the shop filters by date of change; None while that is not known."""

    async def page(self, after: str | None = None) -> EntryPage:
        """Whole products by ascending id."""
        return await self._whole_page({**WHOLE, **BY_ID}, after)

    async def brief_page(self, after: str | None = None) -> BriefPage:
        """What is listed, by ascending id: neither what is sold out nor what only words find."""
        found = await self._list(BY_ID, _position(after), ListedProduct)
        entries = []
        for shape, _lost in found.members:
            shown = None if shape is None else self._or_none(summary, shape, self._prices)
            if shape is not None and shown is not None:
                entries.append(
                    BriefEntry(
                        key=str(shape.id),
                        sku=shown.sku,
                        price=shown.price,
                        list_price=shown.list_price,
                        in_stock=shown.in_stock,
                    )
                )
        return BriefPage(entries=tuple(entries), total=found.total, next=found.next)

    async def changes(self, since: float, after: str | None = None) -> EntryPage:
        """By the shop's filter where it has one; else newest change first, up to the first that is older."""
        if self._knows_since is None:
            self._knows_since = await self._filters_by_change()
        if self._knows_since:
            return await self._whole_page({**WHOLE, **BY_ID, "updatedSince": _instant(since)}, after)
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
                raise _unreadable(key) from error
            raise
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        await self._learn_zone()
        ((found, _lost),) = read_members([msgspec.Raw(expect_success(answer).body)], EntryShape)
        if found is not None and (found.visibility == HIDDEN_VISIBILITY or found.status != ENABLED):
            return None
        entry = None if found is None else self._or_none(self._mapper.entry, found)
        if entry is None:
            raise _unreadable(key)
        return entry

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
        found = await self._list(query, _position(after), EntryShape)
        entries: list[CatalogueEntry] = []
        unreadable: list[str] = []
        for shape, lost in found.members:
            entry = None if shape is None else self._or_none(self._mapper.entry, shape)
            key = lost if shape is None else str(shape.id)
            if entry is not None:
                entries.append(entry)
            elif key is not None:
                unreadable.append(key)
        return EntryPage(
            entries=tuple(entries),
            unreadable=tuple(unreadable),
            total=found.total,
            next=found.next,
            shop_time=found.shop_time,
        )

    async def _list(self, query: dict[str, str], seen: int, kind: type[M]) -> "ListPage[M]":
        """One page, in the largest size that the shop and we can bear at this position."""
        while True:
            step = next(at for at, size in enumerate(PAGE_SIZES) if at >= self._step and seen % size == 0)
            try:
                page = await self._list_of(query, seen, PAGE_SIZES[step], kind)
            except ShopDown as error:
                last = step == len(PAGE_SIZES) - 1
                if not isinstance(error.__cause__, TOO_MUCH) or (last and not isinstance(error.__cause__, BodyTooLong)):
                    raise
                if last:
                    return await self._page_without(seen)
                self._step, self._pages_of_step = step + 1, 0
                continue
            self._pages_of_step += 1
            if self._step and self._pages_of_step >= PAGES_UNTIL_LARGER:
                self._step, self._pages_of_step = self._step - 1, 0
            return page

    async def _list_of(self, query: dict[str, str], seen: int, size: int, kind: type[M]) -> "ListPage[M]":
        asked = {**query, "page": str(seen // size + 1), "pageSize": str(size)}
        answer = expect_success(await self._rest.get("/products", asked))
        found = answer.read(CollectionShape[msgspec.Raw])
        # A page past the end repeats the last one.
        members = [] if seen >= found.totalItems else found.member[:size]
        return ListPage(
            members=list(read_members(members, kind)),
            total=found.totalItems,
            next=_next(seen, len(members), found.totalItems),
            shop_time=self._shop_time(answer),
        )

    async def _page_without(self, seen: int) -> "ListPage[M]":
        """A page of the one product there that is too long to be read, which is named where a short list can."""
        key, total = None, seen + 2
        with contextlib.suppress(ShopDown):
            brief = await self._list_of(BY_ID, seen, 1, ListedProduct)
            total = brief.total
            key = next((str(one.id) for one, _lost in brief.members if one is not None), None)
        return ListPage(members=[(None, key)], total=total, next=_next(seen, 1, total), shop_time=self._now())

    def _or_none(self, translate: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What it gives; None when an amount in it is no money. Raises ShopMisconfigured."""
        try:
            return translate(*args, **kwargs)
        except ShopDown as odd:
            if isinstance(odd, ShopMisconfigured):
                raise
            return None

    async def _filters_by_change(self) -> bool:
        """Shops that do not know the filter list everything, also for a date far ahead."""
        ahead = {"updatedSince": _instant(self._now() + FAR_SECONDS)}
        found = await self._rest.page(CollectionShape[ListedProduct], "/products", ahead, number=1, size=1)
        return found.totalItems == 0

    async def _learn_zone(self) -> None:
        """Ask once in which time zone the shop's dates are."""
        if not self._zone.known:
            answer = await self._rest.get("/store-config")
            self._zone.learn(expect_success(answer).read(StoreConfig).timezone)

    def _shop_time(self, answer: UpstreamResponse) -> float:
        try:
            return parsedate_to_datetime(answer.date).timestamp()
        except ValueError:
            return self._now()


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


def _unreadable(key: str) -> ShopRefused:
    return ShopRefused("this product cannot be read.", internal=f"product {key} cannot be read")


def _position(after: str | None) -> int:
    """Decode a position. Raises ShopRefused."""
    if after is None:
        return 0
    if not is_id(after):
        raise ShopRefused("this list cannot be continued from there.")
    return int(after)


def _next(seen: int, read: int, total: int) -> str | None:
    """The position after a page; None at the end."""
    return str(seen + read) if read and seen + read < total else None


def _instant(seconds: float) -> str:
    """UTC, as Maho reads it: a date that it cannot read is an opaque 500."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, seconds)))
