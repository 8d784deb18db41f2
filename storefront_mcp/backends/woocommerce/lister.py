"""Reads WooCommerce's whole catalogue by page: implements `commerce.listing.CatalogueLister`."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

import httpx
import msgspec

from storefront_mcp.backends import sanitizing
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
from storefront_mcp.backends.salvaging import read_members
from storefront_mcp.backends.timestamps import utc_seconds, utc_text
from storefront_mcp.backends.upstream_messages import BodyTooLong
from storefront_mcp.backends.woocommerce import WooConfig, client_of, translation
from storefront_mcp.backends.woocommerce.categories import MAX_TREE_DEPTH, WooCategories
from storefront_mcp.backends.woocommerce.prices import WooPrices
from storefront_mcp.backends.woocommerce.product_facts import MerchantProducts
from storefront_mcp.backends.woocommerce.products import PRODUCTS, WooProducts
from storefront_mcp.backends.woocommerce.shapes import WooAttributeShape, WooProductFacts, WooProductShape
from storefront_mcp.backends.woocommerce.store_api import StoreApiClient, expect_success, is_id, list_total
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.listing import BriefPage, CatalogueEntry, EntryAttribute, EntryPage
from storefront_mcp.commerce.product import Product, ProductSummary

BY_ID: Final = {"orderby": "id", "order": "asc"}
"""A stable order."""
BRIEF_FIELDS: Final = "id,name,sku,type,prices,is_in_stock,is_purchasable"
MAX_VARIATIONS: Final = 2_000
"""Of the products of one page, which is smaller where there are more."""
PUBLISHED: Final = "publish"
LISTED: Final = frozenset({"visible", "catalog"})
SEARCHED: Final = frozenset({"visible", "search"})
"""Visibilities; the fourth, hidden, is neither."""
TAXONOMY_PREFIX: Final = "pa_"
ALL_VISIBLE: Final = WooProductFacts(id=0, status=PUBLISHED, catalog_visibility="visible")
"""What is taken for true without a key."""


class WooLister:
    """Implements `CatalogueLister`, one call at a time. A page's position is the number of products before it.

    Without a merchant's key it lists what is shown everywhere, and knows no dates.
    """

    def __init__(
        self,
        rest: StoreApiClient,
        prices: WooPrices,
        known: KnownOrigins,
        merchant: MerchantProducts | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` gives Unix seconds, for answers without a date."""
        self._rest = rest
        self._prices = prices
        self._known = known
        self._merchant = merchant
        self._clock = clock
        self._now = now
        self._products = WooProducts(rest, self._tree(), prices, WorkBudget(1.0), known, clock=clock)
        self._pages = SizedPages()
        self._all = {**BY_ID, "catalog_visibility": "visible" if merchant is None else "any"}

    async def page(self, after: str | None = None) -> EntryPage:
        """Whole products by ascending id, but those that are sold out where the shop hides them."""
        return await self._whole_page(self._all, after)

    async def brief_page(self, after: str | None = None) -> BriefPage:
        """The same in short."""
        found = await self._list({**self._all, "_fields": BRIEF_FIELDS}, position_of(after))
        return brief_page(found, _key, self._summary)

    async def changes(self, since: float, after: str | None = None) -> EntryPage:
        """By the date of change, which for some shops stock by orders does not move."""
        # The shop turns the moment into its local time first, and then wants the column that is named to be later.
        before = utc_text(since - 1)
        return await self._whole_page({**self._all, "after": before, "date_column": "modified"}, after)

    async def read(self, key: str) -> CatalogueEntry | None:
        """By id; None for a variation, and for what is not published."""
        if not is_id(key):
            return None
        try:
            answer = await self._rest.get(f"{PRODUCTS}/{key}")
        except ShopDown as error:
            if isinstance(error.__cause__, BodyTooLong):
                raise unreadable_product(key) from error
            raise
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        ((found, _lost),) = read_members([msgspec.Raw(expect_success(answer).body)], WooProductShape)
        if found is not None and str(found.id) != key:
            found = None
        if found is None:
            raise unreadable_product(key)
        if found.type == translation.VARIATION_TYPE:
            return None
        return single_entry(found, key, await self._translation([found]))

    async def find(self, sku: str) -> CatalogueEntry | None:
        """By the SKU of a product or variation, by slug, or by what names one without a SKU."""
        found = await self._products.find(sku, anew=True)
        if found is None:
            return None
        return await self.read(str(found.parent if found.type == translation.VARIATION_TYPE else found.id))

    async def categories(self) -> Sequence[Category]:
        """The whole tree, read anew."""
        return await self._tree().tree(None, depth=MAX_TREE_DEPTH)

    def _tree(self) -> WooCategories:
        return WooCategories(self._rest, clock=self._clock)

    async def _whole_page(self, query: Mapping[str, str], after: str | None) -> EntryPage:
        found = await self._list(query, position_of(after))
        shapes = [one for one, _lost in found.members if one is not None]
        return entry_page(found, _key, await self._translation(shapes))

    async def _list(self, query: Mapping[str, str], seen: int) -> ListPage[WooProductShape]:
        return await self._pages.read(
            seen, lambda size: self._list_of(query, seen, size), lambda: self._page_without(query, seen)
        )

    async def _list_of(self, query: Mapping[str, str], seen: int, size: int) -> ListPage[WooProductShape]:
        number = seen // size + 1
        answer = await self._rest.get(PRODUCTS, {**query, "page": str(number), "per_page": str(size)})
        members = list(read_members(expect_success(answer).read(list[msgspec.Raw])[:size], WooProductShape))
        if sum(len(one.variations) for one, _lost in members if one is not None) > MAX_VARIATIONS:
            raise ShopDown(internal=f"{answer.where}: too many variations") from BodyTooLong("too many variations")
        total = list_total(answer, seen + len(members))
        return ListPage(
            members=members,
            total=total,
            next=next_position(seen, len(members), total),
            shop_time=answered_at(answer, self._now),
        )

    async def _page_without(self, query: Mapping[str, str], seen: int) -> ListPage[WooProductShape]:
        """A page of the one product there that is too long to be read, which is named where a short list can."""
        key, total = None, seen + 2
        with contextlib.suppress(ShopDown):
            brief = await self._list_of({**query, "_fields": BRIEF_FIELDS}, seen, 1)
            total = brief.total
            key = next((str(one.id) for one, _lost in brief.members if one is not None), None)
        return page_of_one_lost(key, seen, total, self._now())

    async def _translation(
        self, found: Sequence[WooProductShape]
    ) -> Callable[[WooProductShape], CatalogueEntry | None]:
        """What makes entries of these products, with all that has to be asked for them."""
        variations = await self._products.variations(*found)
        facts: Mapping[int, WooProductFacts] = {}
        if self._merchant is not None:
            facts = await self._merchant.read(one.id for one in found)
        return partial(self._entry, variations=variations, facts=facts)

    def _summary(self, found: WooProductShape) -> ProductSummary | None:
        """In short; None for one that has no price and so cannot be bought."""
        shown = translation.summary(found, self._prices)
        return None if shown.price.minor == 0 and not found.is_purchasable else shown

    def _entry(
        self,
        found: WooProductShape,
        *,
        variations: Mapping[int, WooProductShape],
        facts: Mapping[int, WooProductFacts],
    ) -> CatalogueEntry | None:
        """A whole product; None for one without a price, or that is not published.

        Raises ShopMisconfigured, and ShopDown for an amount that is no money.
        """
        told = facts.get(found.id, ALL_VISIBLE)
        if told.status != PUBLISHED or self._summary(found) is None:
            return None
        product = translation.product(found, variations, self._prices, self._known)
        begins, ends = utc_seconds(told.date_on_sale_from_gmt), utc_seconds(told.date_on_sale_to_gmt)
        # A sale lasts to the end of its last second.
        reprices = (begins, None if ends is None else ends + 1)
        return CatalogueEntry(
            key=str(found.id),
            product=product,
            attributes=tuple(_attributes(found, product)),
            reviews=found.review_count,
            created=utc_seconds(told.date_created_gmt),
            changed=utc_seconds(told.date_modified_gmt),
            listed=told.catalog_visibility in LISTED,
            searchable=told.catalog_visibility in SEARCHED,
            reprices=tuple(one for one in reprices if one is not None),
        )


def list_shop(
    shop: WooConfig,
    currency: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
    limits: ClientLimits | None = None,
) -> tuple[WooLister, Callable[[], Awaitable[None]]]:
    """Build a lister and its close function. Sends nothing; `transport` replaces the network, `limits` the shop's."""
    if limits is not None:
        shop = msgspec.structs.replace(shop, limits=limits)
    rest, known = client_of(shop, transport=transport, clock=clock)
    merchant = None if shop.key is None else MerchantProducts(rest, shop.key)
    return WooLister(rest, WooPrices(currency), known, merchant, clock=clock, now=now), rest.close


def _key(found: WooProductShape) -> str:
    return str(found.id)


def _attributes(found: WooProductShape, product: Product) -> Iterator[EntryAttribute]:
    """Its brand, and what its page shows: first that in which variations differ."""
    codes = {"brand"}
    brands = (sanitizing.line(one.name, translation.MAX_LABEL_CHARS) for one in found.brands)
    if named := tuple(one for one in brands if one):
        yield EntryAttribute(code="brand", label="Brand", values=named)
    labels = {axis.label: axis.values for axis in product.axes}
    for one in sorted(found.attributes, key=lambda each: not each.has_variations):
        label = sanitizing.line(one.name, translation.MAX_LABEL_CHARS)
        code = sanitizing.code((one.taxonomy or "").removeprefix(TAXONOMY_PREFIX)) or attribute_code(label)
        values = labels.get(label) if one.has_variations else _values(one)
        if values and label and code not in codes:
            codes.add(code)
            yield EntryAttribute(code=code, label=label, values=values, axis=one.has_variations)


def _values(attribute: WooAttributeShape) -> tuple[str, ...]:
    named = (sanitizing.line(term.name, translation.MAX_ATTRIBUTE_CHARS) for term in attribute.terms)
    return tuple(one for one in named if one)
