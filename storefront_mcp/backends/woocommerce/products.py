"""WooCommerce's products: search by page, look-up by SKU or slug, variations read with their parent."""

import asyncio
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec.structs import replace

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.salvaging import read_members
from storefront_mcp.backends.woocommerce import translation
from storefront_mcp.backends.woocommerce.categories import WooCategories
from storefront_mcp.backends.woocommerce.prices import WooPrices
from storefront_mcp.backends.woocommerce.shapes import WooCollectionDataShape, WooProductShape, WordPressPage
from storefront_mcp.backends.woocommerce.store_api import (
    PAGE_SIZE,
    PAGES,
    STORE,
    StoreApiClient,
    expect_success,
    is_id,
)
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.category import CategoryFacet
from storefront_mcp.commerce.errors import PageNotFound, ProductNotFound, ShopRefused
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.money import currency_exponent
from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.plain_text import visible_text
from storefront_mcp.commerce.product import Product, variant_of
from storefront_mcp.commerce.search import SearchPage, SearchQuery, Sort
from storefront_mcp.commerce.search_errors import FilterRefused

PRODUCTS: Final = f"{STORE}/products"
SORT_PARAMETERS: Final[dict[Sort, dict[str, str]]] = {
    "relevance": {},
    "price_low": {"orderby": "price", "order": "asc"},
    "price_high": {"orderby": "price", "order": "desc"},
    "name": {"orderby": "title", "order": "asc"},
    "newest": {"orderby": "date", "order": "desc"},
    "best_selling": {"orderby": "popularity", "order": "desc"},
    "rating": {"orderby": "rating", "order": "desc"},
}
MAX_SEARCH_PAGE: Final = 100_000
SLUG_PATTERN: Final = re.compile(r"[a-z0-9_-]{1,200}")
SKU_PATTERN: Final = re.compile(r"[^\s,/?#][^,?#]{0,63}")
"""What may be a SKU: a comma separates several in the shop's filter."""
WORD_PATTERN: Final = re.compile(r"\S{2,64}")
MAX_READ_ONE_BY_ONE: Final = 30
"""Variations that the list of them left out, as shops do that hide what is sold out."""
READS_AT_ONCE: Final = 6
SKU_CACHE_SIZE: Final = 2_000
SKU_TTL_SECONDS: Final = 60.0
"""For the product of a SKU, between a read and an add."""
DECIMALS_TTL_SECONDS: Final = 3_600.0


class WooProducts:
    """Products, facets and pages of a store."""

    def __init__(
        self,
        rest: StoreApiClient,
        categories: WooCategories,
        prices: WooPrices,
        budget: WorkBudget,
        known: KnownOrigins,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._rest = rest
        self._categories = categories
        self._prices = prices
        self._budget = budget
        self.known: Final = known
        self._turns = asyncio.Semaphore(READS_AT_ONCE)
        self._by_key: TtlCache[str, WooProductShape] = TtlCache(
            size=SKU_CACHE_SIZE, seconds=SKU_TTL_SECONDS, clock=clock
        )
        self._decimals: TtlCache[None, int] = TtlCache(size=1, seconds=DECIMALS_TTL_SECONDS, clock=clock)
        self.caches: Final = (self._by_key, self._decimals)

    async def search(self, search: SearchQuery) -> SearchPage:
        """One page of matching products; `next` is the page's number.

        Raises CategoryNotFound, ShopRefused, and FilterRefused for what the shop cannot be asked.
        """
        if search.sort not in SORT_PARAMETERS:
            raise FilterRefused(search.sort, list(SORT_PARAMETERS))
        if search.filters:
            raise FilterRefused(search.filters[0][0], ())
        number, query = _position(search.after), dict(SORT_PARAMETERS[search.sort])
        query["catalog_visibility"] = "search" if search.text else "catalog"
        if search.text:
            query["search"] = search.text
        if search.category is not None:
            query["category"] = str(await self._categories.existing(search.category))
        for name, bound in (("min_price", search.price_min), ("max_price", search.price_max)):
            if bound is not None:
                query[name] = str(self._prices.units(bound, await self._shop_decimals()))
        if search.in_stock is not None:
            query["stock_status[]"] = "instock" if search.in_stock else "outofstock"
        if search.on_sale is not None:
            query["on_sale"] = str(search.on_sale).lower()
        found = await self._rest.page(WooProductShape, PRODUCTS, query, number=number, size=search.size)
        narrowed = query.keys() - {"search", "catalog_visibility", "orderby", "order"}
        if not found.members and number == 1 and not narrowed and WORD_PATTERN.fullmatch(search.text):
            return await self._by_word(search.text)
        more = bool(found.members) and number * search.size < found.total
        return SearchPage(
            products=tuple(translation.summary(one, self._prices) for one in found.members),
            total=found.total,
            next=str(number + 1) if more else None,
        )

    async def _by_word(self, word: str) -> SearchPage:
        """The product, or the parent of the variation, whose SKU was searched for."""
        found = await self._by_sku(word)
        if found is None:
            return SearchPage(products=(), total=0)
        try:
            parent = await self.parent_of(found)
        except ProductNotFound:
            return SearchPage(products=(), total=0)
        variant = variant_of(await self.whole(parent), word)
        return SearchPage(
            products=(replace(translation.summary(parent, self._prices), selected_variant=variant),), total=1
        )

    async def _shop_decimals(self) -> int:
        """The decimals of the shop's amounts, by which it reads the bounds of a price."""
        known = self._decimals.find(None)
        if known is None:
            found = await self._rest.page(WooProductShape, PRODUCTS, {}, number=1, size=1)
            told = [one.prices.currency_minor_unit for one in found.members]
            known = told[0] if told else currency_exponent(self._prices.currency)
            self._decimals[None] = known
        return known

    async def product(self, key: str) -> Product:
        """The product with this SKU or slug; a variation's SKU finds its parent. Raises ProductNotFound."""
        found = await self.find(key, anew=True)
        if found is None:
            raise ProductNotFound(key)
        whole = await self.whole(await self.parent_of(found))
        return replace(whole, selected_variant=variant_of(whole, key))

    async def parent_of(self, found: WooProductShape) -> WooProductShape:
        """The product of which this is a variation, else itself. Raises ProductNotFound when the parent is gone."""
        parent = found if found.type != translation.VARIATION_TYPE else await self.read(found.parent)
        if parent is None:
            raise ProductNotFound(translation.sku_of(found))
        return parent

    async def whole(self, parent: WooProductShape) -> Product:
        """A product with its variations."""
        return translation.product(parent, await self.variations(parent), self._prices, self.known)

    async def find(self, key: str, *, anew: bool = False) -> WooProductShape | None:
        """The product or variation with this SKU, the product with this slug, or what `wc-` and an id name.

        What was read within a minute will do for an add; `anew` asks the shop.
        """
        if visible_text(key) != key:
            return None
        known = None if anew else self._by_key.find(key)
        if known is None:
            known = await self._by_sku(key) or await self._by_slug(key)
            if known is not None:
                self._by_key[key] = known
        return known

    async def read(self, number: int) -> WooProductShape | None:
        """A product or variation by its id; None when there is none."""
        answer = await self._rest.get(f"{PRODUCTS}/{number}")
        return None if answer.status == HTTPStatus.NOT_FOUND else expect_success(answer).read(WooProductShape)

    def forget(self, sku: Sku) -> None:
        """Look a SKU up anew the next time."""
        self._by_key.pop(sku, None)

    async def variations(self, *parents: WooProductShape) -> Mapping[int, WooProductShape]:
        """The variations of products by their ids: lists of them, and one by one what those leave out.

        One that cannot be read is left out, and so is what is beyond `MAX_READ_ONE_BY_ONE`.
        """
        wanted = {one.id for parent in parents for one in parent.variations}
        if not wanted:
            return {}
        families = ",".join(str(parent.id) for parent in parents if parent.variations)
        query = {"type": translation.VARIATION_TYPE, "parent": families, "orderby": "id", "order": "asc"}
        found: dict[int, WooProductShape] = {}
        lost: set[int] = set()
        for number in range(1, -(-len(wanted) // PAGE_SIZE) + 1):
            listed = await self._rest.page(msgspec.Raw, PRODUCTS, query, number=number, size=PAGE_SIZE)
            for one, key in read_members(listed.members, WooProductShape):
                if one is None:
                    lost |= set() if key is None else {int(key)}
                elif one.id in wanted:
                    found[one.id] = one
            if number * PAGE_SIZE >= listed.total:
                break
        missing = sorted(wanted - found.keys() - lost)[:MAX_READ_ONE_BY_ONE]
        read = await asyncio.gather(*(self._budget.meter(self._read_in_turn, one) for one in missing))
        return found | {one.id: one for one in read if one is not None}

    async def _read_in_turn(self, number: int) -> WooProductShape | None:
        """A variation by its id; None when there is none that can be read."""
        async with self._turns:
            answer = await self._rest.get(f"{PRODUCTS}/{number}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        ((found, _lost),) = read_members([msgspec.Raw(expect_success(answer).body)], WooProductShape)
        return found

    async def _by_sku(self, key: str) -> WooProductShape | None:
        number = key.removeprefix(translation.ID_PREFIX)
        if number != key and is_id(number):
            found = await self.read(int(number))
            return found if found is not None and not found.sku else None
        if not SKU_PATTERN.fullmatch(key):
            return None
        listed = await self._rest.page(WooProductShape, PRODUCTS, {"sku": key}, number=1, size=10)
        return next((one for one in listed.members if one.sku.casefold() == key.casefold()), None)

    async def _by_slug(self, key: str) -> WooProductShape | None:
        if not SLUG_PATTERN.fullmatch(key) or key.isdecimal():
            return None  # a number in its place is an id
        answer = await self._rest.get(f"{PRODUCTS}/{key}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        found = expect_success(answer).read(WooProductShape)
        return found if found.slug == key and found.type != translation.VARIATION_TYPE else None

    async def facets(self, category: CategoryId) -> tuple[CategoryFacet, ...]:
        """The range of a category's prices; more is counted by attributes that have to be named."""
        query = {"category": str(await self._categories.existing(category)), "calculate_price_range": "true"}
        answer = expect_success(await self._rest.get(f"{PRODUCTS}/collection-data", query))
        told = answer.read(WooCollectionDataShape).price_range
        if told is None or told.max_price is None:
            return ()
        least, most = (self._prices.money(one, told.currency_minor_unit) for one in (told.min_price, told.max_price))
        if least.minor >= most.minor:
            return ()
        return (CategoryFacet(code="price", min_minor=least.minor, max_minor=most.minor),)

    async def page(self, identifier: str) -> ShopPage:
        """A page of the shop's own, by its slug. Raises PageNotFound."""
        if not SLUG_PATTERN.fullmatch(identifier):
            raise PageNotFound(identifier)
        query = {"slug": identifier, "_fields": "slug,title,content"}
        answer = expect_success(await self._rest.get(PAGES, query))
        found = next((one for one in answer.read(list[WordPressPage]) if one.slug == identifier), None)
        if found is None:
            raise PageNotFound(identifier)
        return translation.page(found, self.known)


def _position(after: str | None) -> int:
    """The number of a page. Raises ShopRefused for what no search gave out."""
    if after is None:
        return 1
    if not (after.isascii() and after.isdecimal() and after[:1] != "0" and int(after) <= MAX_SEARCH_PAGE):
        raise ShopRefused("a search does not go on from there.")
    return int(after)
