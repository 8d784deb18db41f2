"""Medusa's products: search by page, look-up by SKU, handle or id."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.medusa import translation
from storefront_mcp.backends.medusa.api import MedusaClient, expect_success, is_id
from storefront_mcp.backends.medusa.categories import MedusaCategories
from storefront_mcp.backends.medusa.prices import AmountMapper
from storefront_mcp.backends.medusa.regions import StoreRegion
from storefront_mcp.backends.medusa.shapes import FoundProducts, ListedProducts, ListedShape, ProductShape
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce.errors import ShopRefused
from storefront_mcp.commerce.plain_text import visible_line
from storefront_mcp.commerce.product import ProductSummary
from storefront_mcp.commerce.search import SearchPage, SearchQuery, Sort
from storefront_mcp.commerce.search_errors import FilterRefused

ORDERS: Final[Mapping[Sort, str]] = {"relevance": "id", "name": "title", "newest": "-id"}
"""How the shop is asked to sort. It ranks nothing by relevance, and wants an order without ties, so that pages agree:
ids begin with the time, and products that were made together have the same `created_at`."""
OWN_ORDERS: Final[Mapping[Sort, Callable[[ProductSummary], int]]] = {
    "price_low": lambda one: one.price.minor,
    "price_high": lambda one: -one.price.minor,
    "discount": lambda one: 0 if one.list_price is None else one.price.minor - one.list_price.minor,
}
"""What is sorted here, of as many as `MAX_SORTED`: Medusa has no order and no filter by price."""
MAX_SORTED: Final = 500
PAGE_SIZE: Final = 100
MAX_FILTERED_PAGES: Final = 5
"""Pages read at most per search where the filter is ours."""
MAX_OFFSET: Final = 10**6

VARIANT_FIELDS: Final = (
    "variants.id,variants.title,variants.sku,variants.manage_inventory,variants.allow_backorder,"
    "*variants.calculated_price,+variants.inventory_quantity"
)
LIST_FIELDS: Final = f"id,title,handle,{VARIANT_FIELDS}"
DETAIL_FIELDS: Final = (
    f"id,title,handle,subtitle,description,thumbnail,material,origin_country,{VARIANT_FIELDS},*variants.options,"
    "*options,*options.values,*images,*categories,type.value,collection.title"
)
WHOLE_FIELDS: Final = f"{DETAIL_FIELDS},created_at,updated_at"

KEY_PATTERN: Final = re.compile(r"[^\s/?#&]{1,200}")
"""What may be a SKU, a handle or an id."""
KEY_CACHE_SIZE: Final = 5_000
KEY_TTL_SECONDS: Final = 3_600.0
"""For the product id of a key, which is checked against the product on every use."""


class MedusaProducts:
    """Products of a store: those of the sales channel of the publishable key, with prices of the store's region."""

    def __init__(
        self,
        api: MedusaClient,
        region: StoreRegion,
        categories: MedusaCategories,
        amounts: AmountMapper,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._region = region
        self._categories = categories
        self._amounts = amounts
        self._ids: TtlCache[str, str] = TtlCache(size=KEY_CACHE_SIZE, seconds=KEY_TTL_SECONDS, clock=clock)
        self.caches: Final = (self._ids,)

    async def search(self, search: SearchQuery) -> SearchPage:
        """One page of matching products; `next` is the number of products before it.

        Raises CategoryNotFound, ShopRefused, and FilterRefused for what the shop cannot be asked.
        """
        if search.filters:
            raise FilterRefused(search.filters[0][0], ())
        if search.sort not in ORDERS and search.sort not in OWN_ORDERS:
            raise FilterRefused(search.sort, [*ORDERS, *OWN_ORDERS])
        offset = _position(search.after)
        query = {"order": ORDERS.get(search.sort, "id")}
        if text := visible_line(search.text):
            query["q"] = text
        if search.category is not None:
            wanted = await self._categories.with_descendants(search.category)
            query |= {f"category_id[{at}]": one for at, one in enumerate(wanted)}
        if search.sort in OWN_ORDERS:
            return await self._sorted_page(query, offset, search)
        if _keeps_all(search):
            found = await self._list(query, offset, search.size)
            seen = offset + len(found.products)
            more = bool(found.products) and seen < found.count
            # The shop has no order by relevance, and what was made together is in none at all.
            sku = text.casefold() if search.sort == "relevance" else ""
            products = sorted(self._summaries(found.products), key=lambda one: one.sku.casefold() != sku)
            return SearchPage(products=tuple(products), total=found.count, next=str(seen) if more else None)
        return await self._filtered_page(query, offset, search)

    async def _filtered_page(self, query: Mapping[str, str], offset: int, search: SearchQuery) -> SearchPage:
        """Matches of our own filter, of at most `MAX_FILTERED_PAGES` pages of the shop's."""
        kept: list[ProductSummary] = []
        seen, count = offset, offset + 1
        for _ in range(MAX_FILTERED_PAGES):
            found = await self._list(query, seen, PAGE_SIZE)
            count = found.count
            for one in found.products:
                seen += 1
                kept += (product for product in self._summaries([one]) if _fits(product, search))
                if len(kept) == search.size:
                    break
            if len(kept) == search.size or seen >= count or not found.products:
                break
        whole = offset == 0 and seen >= count
        return SearchPage(
            products=tuple(kept), total=len(kept) if whole else None, next=str(seen) if seen < count else None
        )

    async def _sorted_page(self, query: Mapping[str, str], offset: int, search: SearchQuery) -> SearchPage:
        """A page of all matches sorted here. Raises FilterRefused where they are too many."""
        first = await self._list(query, 0, PAGE_SIZE)
        if first.count > MAX_SORTED:
            raise FilterRefused(f"{search.sort} among more than {MAX_SORTED} products", [*ORDERS])
        rest = await asyncio.gather(
            *(self._list(query, start, PAGE_SIZE) for start in range(PAGE_SIZE, first.count, PAGE_SIZE))
        )
        found = (one for page in (first, *rest) for one in self._summaries(page.products))
        fitting = sorted((one for one in found if _fits(one, search)), key=OWN_ORDERS[search.sort])
        end = offset + search.size
        return SearchPage(
            products=tuple(fitting[offset:end]), total=len(fitting), next=str(end) if end < len(fitting) else None
        )

    async def find(self, key: str) -> ProductShape | None:
        """The product with this SKU of a variant, handle or id, with all details; None when there is none."""
        if KEY_PATTERN.fullmatch(key) is None:
            return None
        known = self._ids.find(key)
        if known is not None:
            found = await self._one({"id": known})
            if found is not None and _is_known_as(found, key):
                return found
        asked: list[dict[str, str]] = [{"variants[sku]": key}, {"handle": key}]
        if is_id(key) and key.startswith("prod_"):
            asked = [{"id": key}]
        elif is_id(key) and key.startswith("variant_"):
            asked.append({"variants[id]": key})
        for query in asked:
            found = await self._one(query)
            if found is not None:
                self._ids[key] = found.id
                return found
        return None

    async def read_all(self, ids: Iterable[str]) -> Mapping[str, ProductShape]:
        """The products with these ids that are sold."""
        wanted = [one for one in dict.fromkeys(ids) if is_id(one)][:PAGE_SIZE]
        if not wanted:
            return {}
        query = {f"id[{at}]": one for at, one in enumerate(wanted)}
        answer = await self.ask(query | {"limit": str(PAGE_SIZE)}, f"id,title,handle,{VARIANT_FIELDS}")
        return {one.id: one for one in expect_success(answer).read(FoundProducts).products}

    async def _one(self, query: Mapping[str, str]) -> ProductShape | None:
        answer = await self.ask({**query, "limit": "1"}, DETAIL_FIELDS)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return next(iter(expect_success(answer).read(FoundProducts).products), None)

    async def _list(self, query: Mapping[str, str], offset: int, size: int) -> ListedProducts:
        answer = await self.ask({**query, "offset": str(offset), "limit": str(size)}, LIST_FIELDS)
        found = expect_success(answer).read(ListedProducts)
        return ListedProducts(products=found.products[:size], count=found.count)

    async def ask(self, query: Mapping[str, str], fields: str) -> UpstreamResponse:
        """What the shop answers for its products, priced for the region."""
        return await self._api.get("/products", {**query, "region_id": await self._region.id(), "fields": fields})

    def _summaries(self, found: Iterable[ListedShape]) -> Iterable[ProductSummary]:
        return (shown for one in found if (shown := translation.summary(one, self._amounts)) is not None)


def _position(after: str | None) -> int:
    """Decode `next`. Raises ShopRefused."""
    if after is None:
        return 0
    if not (after.isascii() and after.isdecimal() and len(after) < len(str(MAX_OFFSET)) and int(after)):
        raise ShopRefused("this search cannot be continued from there. Search anew.")
    return int(after)


def _keeps_all(search: SearchQuery) -> bool:
    conditions = (search.price_min, search.price_max, search.in_stock, search.on_sale)
    return all(condition is None for condition in conditions)


def _fits(product: ProductSummary, search: SearchQuery) -> bool:
    """Whether a product meets the conditions that the shop cannot be asked for."""
    least, most = search.price_min, search.price_max
    return (
        (least is None or product.price.minor >= least.minor)
        and (most is None or product.price.minor <= most.minor)
        and (search.in_stock is None or product.in_stock == search.in_stock)
        and (search.on_sale is None or (product.list_price is not None) == search.on_sale)
    )


def _is_known_as(product: ProductShape, key: str) -> bool:
    """Whether it has this id or handle, or a variant with this SKU or id."""
    return key in {
        product.id,
        product.handle,
        *(name for variant in product.variants or () for name in (variant.sku, variant.id)),
    }
