"""Maho's products: search by page, look-up by SKU or URL key, read by id."""

import asyncio
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.categories import MahoCategories
from storefront_mcp.backends.maho.prices import PriceMapper
from storefront_mcp.backends.maho.rest import PAGE_SIZE, RestClient, expect_success, general_error, is_id
from storefront_mcp.backends.maho.scratch_cart import ScratchCart
from storefront_mcp.backends.maho.shapes import CmsPage, CollectionShape, LayeredFilter, ListedProduct, ProductDetail
from storefront_mcp.backends.maho.storable import unstorable_characters
from storefront_mcp.backends.maho.tax_trial import TaxTrial
from storefront_mcp.backends.maho.text_options import TextOptions
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.category import CategoryFacet
from storefront_mcp.commerce.errors import CategoryNotFound, OutOfStock, PageNotFound, ShopError, ShopRefused
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.plain_text import visible_text
from storefront_mcp.commerce.product import ProductSummary, variant_of
from storefront_mcp.commerce.search import SearchPage, SearchQuery, Sort
from storefront_mcp.commerce.search_errors import FilterRefused

SORT_PARAMETERS: Final[dict[Sort, dict[str, str]]] = {
    "relevance": {},
    "price_low": {"sortBy": "price", "sortDir": "asc"},
    "price_high": {"sortBy": "price", "sortDir": "desc"},
    "name": {"sortBy": "name", "sortDir": "asc"},
    "newest": {"sortBy": "created_at", "sortDir": "desc"},
}
NO_CHOICES: Final[Mapping[str, object]] = {}
MAX_FILTERED_PAGES: Final = 5
"""Pages read at most per search where the client has to filter."""
PAGES_AT_ONCE: Final = 2
"""Of those, read at the same time after the first one: fewer waits, and at most one page in vain."""
MAX_READS_AT_ONCE: Final = 10
"""Products that are read at the same time."""
MAX_FACETS: Final = 100
SKU_WORD_PATTERN: Final = re.compile(r"(?=\S*[-_0-9])[^\s/?#]{2,64}")
"""A search for what may be a SKU, since it has more than letters."""
MAX_SKU_PARTS: Final = 3
"""Parts of a variant's SKU after that of its parent."""
SKU_PATTERN: Final = re.compile(r"[^\s/?#]{1,64}")
"""What may be a SKU, and no path or URL."""
MAX_PAGES_BYTES: Final = 2_000_000
"""Of the shop's own pages, as it sent them."""
PAGES_TTL_SECONDS: Final = 86_400.0
SKU_CACHE_SIZE: Final = 5000
SKU_TTL_SECONDS: Final = 3600.0
"""For the cached product id of a SKU, which is checked against the product on every use."""


class MahoProducts:
    """Products, facets and CMS pages of a store."""

    def __init__(
        self,
        rest: RestClient,
        categories: MahoCategories,
        price_mapper: PriceMapper,
        budget: WorkBudget,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._rest = rest
        self._scratch = ScratchCart(rest, clock=clock)
        self._categories = categories
        self._price_mapper = price_mapper
        self._budget = budget
        self._page_turn = asyncio.Semaphore(1)
        self._numbers: TtlCache[str, int] = TtlCache(size=SKU_CACHE_SIZE, seconds=SKU_TTL_SECONDS, clock=clock)
        """SKU to product id; a variant's SKU, which Maho's search does not find, to its parent's."""
        self.tax_trial: Final = TaxTrial(rest, self._scratch, price_mapper.tax, clock=clock)
        self._pages: TtlCache[str, UpstreamResponse] = TtlCache(
            size=MAX_PAGES_BYTES, seconds=PAGES_TTL_SECONDS, clock=clock, weigh=lambda answer: 1 + len(answer.body)
        )
        self.texts: Final = TextOptions(self._scratch, self.tax_trial, price_mapper, clock=clock)
        self.caches: Final = (self._numbers, *self._scratch.caches, *self.tax_trial.caches, *self.texts.caches)

    async def search(self, search: SearchQuery) -> SearchPage:
        """One page of matching products; `next` is `page` or `page.offset`.

        Raises CategoryNotFound, ShopRefused, and FilterRefused for what the shop cannot be asked.
        """
        if search.sort not in SORT_PARAMETERS:
            raise FilterRefused(search.sort, list(SORT_PARAMETERS))
        if search.filters or search.on_sale is not None:
            raise FilterRefused(search.filters[0][0] if search.filters else "on_sale", ())
        query = dict(SORT_PARAMETERS[search.sort])
        if search.price_min is not None:
            query["priceMin"] = f"{search.price_min.major():f}"
        if search.price_max is not None:
            query["priceMax"] = f"{search.price_max.major():f}"
        number, seen = _position(search.after)
        if search.text:
            query["search"] = search.text
        if search.category is None:
            found = await self._list_page(query, number, search.size)
            is_word = SKU_WORD_PATTERN.fullmatch(search.text) is not None
            return await self._by_word(query) if is_word and not found.total else found
        if not is_id(search.category):
            raise CategoryNotFound(search.category)
        if search.text:
            # With `search`, Maho ignores `categoryId`.
            return await self._filter_text_matches(query, number, seen, search)
        return await self._list_page({**query, "categoryId": search.category}, number, search.size)

    async def _list_page(self, query: dict[str, str], number: int, size: int) -> SearchPage:
        found = await self._rest.page(CollectionShape[ListedProduct], "/products", query, number=number, size=size)
        more = bool(found.member) and number * size < found.totalItems
        return SearchPage(
            products=self._summaries(found.member), total=found.totalItems, next=str(number + 1) if more else None
        )

    async def _filter_text_matches(
        self, query: dict[str, str], number: int, seen: int, search: SearchQuery
    ) -> SearchPage:
        """Text and category: read the text's matches by page and filter by category here."""
        wanted, pages = await asyncio.gather(
            self._budget.meter(self._categories.with_descendants, CategoryId(search.category or "")),
            self._read_pages(query, number, 1),
        )
        kept: list[ListedProduct] = []
        from_start = (number, seen) == (1, 0)
        for at in range(number, number + MAX_FILTERED_PAGES):
            if at - number == len(pages):
                left = max(math.ceil(pages[-1].totalItems / PAGE_SIZE) - at + 1, 1)
                pages += await self._read_pages(query, at, min(left, PAGES_AT_ONCE, number + MAX_FILTERED_PAGES - at))
            found = pages[at - number]
            for index, one in enumerate(found.member):
                if (at == number and index < seen) or wanted.isdisjoint(one.category_ids):
                    continue
                if len(kept) == search.size:
                    return SearchPage(products=self._summaries(kept), next=f"{at}.{index}")
                kept.append(one)
            if not found.member or at * PAGE_SIZE >= found.totalItems:
                return SearchPage(products=self._summaries(kept), total=len(kept) if from_start else None)
        return SearchPage(products=self._summaries(kept), next=str(number + MAX_FILTERED_PAGES))

    async def _read_pages(
        self, query: Mapping[str, str], number: int, count: int
    ) -> list[CollectionShape[ListedProduct]]:
        """So many pages of a list from this number on, at the same time."""

        async def read(at: int) -> CollectionShape[ListedProduct]:
            kind = CollectionShape[ListedProduct]
            return await self._rest.page(kind, "/products", query, number=at, size=PAGE_SIZE)

        return await asyncio.gather(*(self._budget.meter(read, at) for at in range(number, number + count)))

    async def _by_word(self, query: Mapping[str, str]) -> SearchPage:
        """The parent of the variant whose SKU was searched for, which Maho's search does not find."""
        word = query["search"]
        try:
            found = await self.find(word) if query.keys().isdisjoint({"priceMin", "priceMax"}) else None
        except OutOfStock:
            found = None
        if found is None:
            return SearchPage(products=(), total=0, next=None)
        variant = variant_of(translation.product(found, self._price_mapper), word)
        return SearchPage(
            products=(replace(translation.summary(found, self._price_mapper), selected_variant=variant),),
            total=1,
            next=None,
        )

    def _summaries(self, members: Sequence[ListedProduct]) -> tuple[ProductSummary, ...]:
        for one in members:
            self._cache_number(one.sku, one.id)
        return tuple(translation.summary(one, self._price_mapper) for one in members)

    async def find(self, key: str, *, by_trial: bool = True) -> ProductDetail | None:
        """The product with this SKU or URL key; for a variant's SKU, its parent.

        Raises OutOfStock for a SKU that exists and is sold out, where the shop tells no more than that. `by_trial`
        asks by a cart, too; without it such SKUs are not found.
        """
        number = self._numbers.find(key)
        if number is not None:
            known = await self.read(number)
            if known is not None and (known.sku == key or _is_known_as(known, key)):
                return known
            self._numbers.pop(key, None)
        if visible_text(key) != key:
            return None
        found = await self._by_sku(key) or await self._by_url_key(key)
        return await self._by_trial(key) if found is None and by_trial else found

    async def may_order(self, sku: Sku, quantity: int, chosen: Mapping[str, object] = NO_CHOICES) -> bool:
        """Whether the shop takes so many pieces although it shows fewer: backorders, or stock that is not managed.

        `chosen` is in the form of the add call.
        """
        line = {"sku": sku, "qty": quantity, **chosen}
        trial = await (self._scratch.try_line(line) if chosen else self._scratch.try_add(sku, quantity))
        return trial.refused is None

    async def _by_trial(self, key: str) -> ProductDetail | None:
        """Only the cart knows the SKUs of variants and of what is sold out."""
        if SKU_PATTERN.fullmatch(key) is None or unstorable_characters(key):
            return None
        trial = await self._scratch.try_add(key)
        found = None if trial.product is None else await self.read(trial.product)
        if isinstance(trial.refused, OutOfStock):
            found = await self._by_beginning(key)
            if found is None:
                raise trial.refused
        if found is None or not _is_known_as(found, key):
            return None
        self._cache_number(key, found.id)
        return found

    async def _by_beginning(self, key: str) -> ProductDetail | None:
        """The parent of a sold-out variant, if the variant's SKU begins with its own and a hyphen."""
        beginning = key
        for _ in range(MAX_SKU_PARTS):
            beginning = beginning.rpartition("-")[0]
            parent = await self._by_sku(beginning) if beginning else None
            if parent is not None and _is_known_as(parent, key):
                return parent
        return None

    async def read(self, number: int) -> ProductDetail | None:
        """A product with all details by its id; None when absent."""
        answer = await self._rest.get(f"/products/{number}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if not answer.is_success:
            raise general_error(answer)
        product = answer.read(ProductDetail)
        if product.visibility != translation.HIDDEN_VISIBILITY:
            self._cache_number(product.sku, product.id)
            for child in product.variants:
                self._cache_number(child.sku, product.id)
        return product

    async def read_all(self, numbers: Iterable[int]) -> Mapping[int, ProductDetail | ShopError | None]:
        """Products by their ids, each once and some at the same time; an error stands for the product it concerns."""
        turns = asyncio.Semaphore(MAX_READS_AT_ONCE)

        async def read(number: int) -> ProductDetail | ShopError | None:
            async with turns:
                try:
                    return await self._budget.meter(self.read, number)
                except ShopError as error:
                    return error

        wanted = list(dict.fromkeys(numbers))
        return dict(zip(wanted, await asyncio.gather(*map(read, wanted)), strict=True))

    def _cache_number(self, sku: str, number: int) -> None:
        if len(sku) <= sanitizing.MAX_CODE_CHARS:
            self._numbers[sku] = number

    async def _by_sku(self, key: str) -> ProductDetail | None:
        """Uses the text search, as Maho has no filter by SKU; it also matches SKUs with the same prefix."""
        found = await self._rest.page(
            CollectionShape[ListedProduct], "/products", {"search": key}, number=1, size=PAGE_SIZE
        )
        alike = [
            one
            for one in found.member
            if one.visibility != translation.HIDDEN_VISIBILITY and one.sku.casefold() == key.casefold()
        ]
        same = [one for one in alike if one.sku == key]
        for one in (same or alike)[:1]:
            return await self.read(one.id)
        return None

    async def _by_url_key(self, key: str) -> ProductDetail | None:
        """Maho's filter also matches variants, which have no page, and lists no stock, so the product is read."""
        answer = await self._rest.get("/products", {"urlKey": key})
        for one in expect_success(answer).read(CollectionShape[ListedProduct]).member:
            if one.url_key == key and one.visibility != translation.HIDDEN_VISIBILITY:
                return await self.read(one.id)
        return None

    async def facets(self, category: CategoryId) -> Sequence[CategoryFacet]:
        """The facets of a category; empty when Maho does not know it. Raises CategoryNotFound for a malformed id."""
        if not is_id(category):
            raise CategoryNotFound(category)
        answer = await self._rest.get("/layered-filters", {"categoryId": category})
        if answer.status == HTTPStatus.NOT_FOUND:
            return ()
        return translation.facets(expect_success(answer).read(CollectionShape[LayeredFilter]).member[:MAX_FACETS])

    async def page(self, identifier: str, known: KnownOrigins) -> ShopPage:
        """A CMS page, sanitized in a thread, one of a store at a time. Raises PageNotFound."""
        if visible_text(identifier) != identifier:
            raise PageNotFound(identifier)
        answer = await self._rest.get_again(self._pages, "/cms-pages", {"identifier": identifier})
        for found in expect_success(answer).read(CollectionShape[CmsPage]).member:
            if found.identifier == identifier and found.is_active is not False:
                async with self._page_turn:
                    page, seconds = await asyncio.to_thread(_timed_page, found, known)
                self._budget.charge(seconds)
                return page
        raise PageNotFound(identifier)


def _timed_page(found: CmsPage, known: KnownOrigins) -> tuple[ShopPage, float]:
    """A page, and the processor seconds that it took."""
    began = time.thread_time()
    return translation.page(found, known), time.thread_time() - began


def _position(after: str | None) -> tuple[int, int]:
    """Decode `next` to a page number and an offset in that page. Raises ShopRefused."""
    number, _, seen = (after or "1").partition(".")
    if not (is_id(number) and is_id(seen or "0")) or int(number) < 1:
        raise ShopRefused("this search cannot be continued from there. Search anew.")
    return int(number), int(seen or "0")


def _is_known_as(product: ProductDetail, sku: str) -> bool:
    """Whether it has this SKU or a variant that has, in whatever case."""
    return sku.casefold() in {product.sku.casefold(), *(child.sku.casefold() for child in product.variants)}
