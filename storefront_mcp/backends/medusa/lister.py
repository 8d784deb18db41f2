"""Reads the whole catalogue of a Medusa shop's region by page: implements `commerce.listing.CatalogueLister`."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import httpx
import msgspec

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.list_pages import (
    ListPage,
    SizedPages,
    answered_at,
    attribute_code,
    brief_page,
    entry_page,
    next_position,
    page_of_one_lost,
    position_of,
    single_entry,
    unreadable_product,
)
from storefront_mcp.backends.medusa import MedusaConfig, client_of, translation
from storefront_mcp.backends.medusa.api import MedusaClient, expect_success, is_id
from storefront_mcp.backends.medusa.categories import MAX_TREE_DEPTH, MedusaCategories
from storefront_mcp.backends.medusa.prices import AmountMapper
from storefront_mcp.backends.medusa.products import LIST_FIELDS, WHOLE_FIELDS, MedusaProducts
from storefront_mcp.backends.medusa.regions import StoreRegion
from storefront_mcp.backends.medusa.shapes import ListedShape, ProductPage, ProductShape
from storefront_mcp.backends.salvaging import NamedMember, read_members
from storefront_mcp.backends.timestamps import utc_seconds, utc_text
from storefront_mcp.backends.upstream_messages import BodyTooLong
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.listing import BriefPage, CatalogueEntry, EntryAttribute, EntryPage
from storefront_mcp.commerce.product import Product, ProductSummary

M = TypeVar("M", bound=ListedShape)

BY_ID: Final = {"order": "id"}
"""A stable order: ids begin with the time at which a product was made."""


class MedusaLister:
    """Implements `CatalogueLister`, one call at a time. A page's position is the number of products before it.

    Sold is what is published in the publishable key's sales channels and has a price in the region, sold out or not.
    """

    def __init__(
        self,
        api: MedusaClient,
        region: StoreRegion,
        amounts: AmountMapper,
        known: KnownOrigins,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` gives Unix seconds, for answers without a date."""
        self._api = api
        self._amounts = amounts
        self._known = known
        self._clock = clock
        self._now = now
        self._products = MedusaProducts(api, region, self._tree(), amounts, clock=clock)
        self._pages = SizedPages()

    async def page(self, after: str | None = None) -> EntryPage:
        """Whole products by ascending id."""
        return await self._whole_page(BY_ID, after)

    async def brief_page(self, after: str | None = None) -> BriefPage:
        """All that is sold in short, sold out or not, by ascending id."""
        found = await self._list(BY_ID, position_of(after), LIST_FIELDS, ListedShape)
        return brief_page(found, _key, self._summary)

    async def changes(self, since: float, after: str | None = None) -> EntryPage:
        """By the date of change of the product itself, which neither prices nor stock move."""
        return await self._whole_page({**BY_ID, "updated_at[$gte]": utc_text(since)}, after)

    async def read(self, key: str) -> CatalogueEntry | None:
        """By id; None for one that is a draft, in other sales channels, or without a price in the region."""
        if not is_id(key):
            return None
        try:
            found = await self._list_of({"id": key}, 0, 1, WHOLE_FIELDS, ProductShape)
        except ShopDown as error:
            if isinstance(error.__cause__, BodyTooLong):
                raise unreadable_product(key) from error
            raise
        if not found.members:
            return None
        shape = found.members[0][0]
        return single_entry(shape if shape is not None and shape.id == key else None, key, self._entry)

    async def find(self, sku: str) -> CatalogueEntry | None:
        """By the SKU of a variant, by handle or id."""
        found = await self._products.find(sku)
        return None if found is None else await self.read(found.id)

    async def categories(self) -> Sequence[Category]:
        """The whole tree, read anew."""
        return await self._tree().tree(None, depth=MAX_TREE_DEPTH)

    def _tree(self) -> MedusaCategories:
        return MedusaCategories(self._api, clock=self._clock)

    async def _whole_page(self, query: Mapping[str, str], after: str | None) -> EntryPage:
        found = await self._list(query, position_of(after), WHOLE_FIELDS, ProductShape)
        return entry_page(found, _key, self._entry)

    async def _list(self, query: Mapping[str, str], seen: int, fields: str, kind: type[M]) -> ListPage[M]:
        return await self._pages.read(
            seen, lambda size: self._list_of(query, seen, size, fields, kind), lambda: self._page_without(query, seen)
        )

    async def _list_of(self, query: Mapping[str, str], seen: int, size: int, fields: str, kind: type[M]) -> ListPage[M]:
        answer = await self._products.ask({**query, "offset": str(seen), "limit": str(size)}, fields)
        found = expect_success(answer).read(ProductPage)
        members = found.products[:size]
        # Where the total is a guess, only a page that is not full is the last.
        guess = found.estimate_count is not None and len(members) == size
        total = max(found.count, seen + len(members) + 1) if guess else found.count
        return ListPage(
            members=list(read_members(members, kind, NamedMember)),
            total=total,
            next=next_position(seen, len(members), total),
            shop_time=answered_at(answer, self._now),
        )

    async def _page_without(self, query: Mapping[str, str], seen: int) -> ListPage[M]:
        """A page of the one product there that is too long to be read, which is named where a short list can."""
        key, total = None, seen + 2
        with contextlib.suppress(ShopDown):
            brief = await self._list_of(query, seen, 1, "id", ListedShape)
            total = brief.total
            key = next((one.id for one, _lost in brief.members if one is not None), None)
        return page_of_one_lost(key, seen, total, self._now())

    def _summary(self, found: ListedShape) -> ProductSummary | None:
        return translation.summary(found, self._amounts)

    def _entry(self, found: ProductShape) -> CatalogueEntry | None:
        """A whole product; None for one without a price in the region.

        Raises ShopMisconfigured, and ShopDown for an amount that is no money.
        """
        if self._amounts.cheapest(found.variants or ()) is None:
            return None
        product = translation.product(found, self._amounts, self._known)
        return CatalogueEntry(
            key=found.id,
            product=product,
            attributes=tuple(_attributes(product)),
            created=utc_seconds(found.created_at),
            changed=utc_seconds(found.updated_at),
        )


def list_shop(
    shop: MedusaConfig,
    currency: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
    limits: ClientLimits | None = None,
) -> tuple[MedusaLister, Callable[[], Awaitable[None]]]:
    """Build a lister and its close function. Sends nothing; `transport` replaces the network, `limits` the shop's."""
    if limits is not None:
        shop = msgspec.structs.replace(shop, limits=limits)
    api, known = client_of(shop, transport=transport, clock=clock)
    region = StoreRegion(api, currency=currency, wanted=shop.region, clock=clock)
    return MedusaLister(api, region, AmountMapper(currency=currency), known, clock=clock, now=now), api.close


def _key(found: ListedShape) -> str:
    return found.id


def _attributes(product: Product) -> Iterator[EntryAttribute]:
    """Those in which variants differ, then those of the product itself; Medusa has no codes of either."""
    codes = set()
    for axis in product.axes:
        codes.add(code := attribute_code(axis.label))
        yield EntryAttribute(code=code, label=axis.label, values=axis.values, axis=True)
    for label, value in product.attributes.items():
        if (code := attribute_code(label)) not in codes:
            yield EntryAttribute(code=code, label=label, values=(value,))
