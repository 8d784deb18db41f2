"""Maho's products: found page by page, looked up by SKU or url key, read whole by their number."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.prices import Till
from storefront_mcp.backends.maho.rest import MOST, Rest, accepted, is_id
from storefront_mcp.backends.maho.shapes import CmsPage, Collection, LayeredFilter, ListedProduct, WholeProduct
from storefront_mcp.backends.maho.shelves import Shelves
from storefront_mcp.backends.memory import Remembered
from storefront_mcp.commerce.category import Facet
from storefront_mcp.commerce.errors import CategoryNotFound, PageNotFound, ShopRefused
from storefront_mcp.commerce.names import CategoryId
from storefront_mcp.commerce.page import Page
from storefront_mcp.commerce.product import ProductSummary
from storefront_mcp.commerce.search import Found, Search, Sort

SORTS: Final[dict[Sort, dict[str, str]]] = {
    "relevance": {},
    "price_low": {"sortBy": "price", "sortDir": "asc"},
    "price_high": {"sortBy": "price", "sortDir": "desc"},
    "name": {"sortBy": "name", "sortDir": "asc"},
    "newest": {"sortBy": "created_at", "sortDir": "desc"},
}
SIFTED: Final = 5
"""Pages read at most for one answer where we have to sift on our side."""
SKUS: Final = 5000
KEPT: Final = 3600.0
"""Seconds a SKU's number is remembered; it is checked against the answer whenever it is used."""


class Catalogue:
    """What a store sells."""

    def __init__(self, rest: Rest, shelves: Shelves, till: Till, *, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._shelves = shelves
        self._till = till
        self._numbers: Remembered[str, int] = Remembered(size=SKUS, seconds=KEPT, clock=clock)
        """SKU to the product's number; a variant's SKU, which the shop does not find, to its parent's."""
        self.remembered: Final = (self._numbers,)

    async def search(self, search: Search) -> Found:
        """Products that match; `next` is a page's number, and how many of that page were already seen."""
        query = dict(SORTS[search.sort])
        if search.price_min is not None:
            query["priceMin"] = f"{search.price_min.major():f}"
        if search.price_max is not None:
            query["priceMax"] = f"{search.price_max.major():f}"
        number, seen = _position(search.after)
        if search.text:
            query["search"] = search.text
        if search.category is None:
            return await self._listed(query, number, search.size)
        if not is_id(search.category):
            raise CategoryNotFound(search.category)
        if search.text:
            # With `search`, the shop ignores `categoryId`.
            return await self._sifted(query, number, seen, search)
        return await self._listed({**query, "categoryId": search.category}, number, search.size)

    async def _listed(self, query: dict[str, str], number: int, size: int) -> Found:
        found = await self._rest.page(Collection[ListedProduct], "/products", query, number=number, size=size)
        more = bool(found.member) and number * size < found.totalItems
        return Found(
            products=self._summaries(found.member), total=found.totalItems, next=str(number + 1) if more else None
        )

    async def _sifted(self, query: dict[str, str], number: int, seen: int, search: Search) -> Found:
        """Text and category: read the text's matches page by page, and keep those of the category."""
        wanted = await self._shelves.with_descendants(CategoryId(search.category or ""))
        kept: list[ListedProduct] = []
        from_start = (number, seen) == (1, 0)
        for at in range(number, number + SIFTED):
            found = await self._rest.page(Collection[ListedProduct], "/products", query, number=at, size=MOST)
            for index, one in enumerate(found.member):
                if (at == number and index < seen) or wanted.isdisjoint(one.category_ids):
                    continue
                if len(kept) == search.size:
                    return Found(products=self._summaries(kept), next=f"{at}.{index}")
                kept.append(one)
            if not found.member or at * MOST >= found.totalItems:
                return Found(products=self._summaries(kept), total=len(kept) if from_start else None)
        return Found(products=self._summaries(kept), next=str(number + SIFTED))

    def _summaries(self, members: Sequence[ListedProduct]) -> tuple[ProductSummary, ...]:
        for one in members:
            self._numbers.keep(one.sku, one.id)
        return tuple(translation.summary(one, self._till) for one in members)

    async def find(self, key: str) -> WholeProduct | None:
        """The product with this SKU or url key; for a variant's SKU that we have seen, its parent."""
        number = self._numbers.find(key)
        if number is not None:
            known = await self.read(number)
            if known is not None and _has(known, key):
                return known
            self._numbers.forget(key)
        return await self._by_sku(key) or await self._by_url_key(key)

    async def read(self, number: int) -> WholeProduct | None:
        """A product by its number, with everything; None when there is none."""
        answer = await self._rest.get(f"/products/{number}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        product = accepted(answer).read(WholeProduct)
        if _visible(product):
            self._numbers.keep(product.sku, product.id)
            for child in product.variants:
                self._numbers.keep(child.sku, product.id)
        return product

    async def _by_sku(self, key: str) -> WholeProduct | None:
        """The shop has no filter by SKU, but its search finds SKUs, and others that begin alike."""
        found = await self._rest.page(Collection[ListedProduct], "/products", {"search": key}, number=1, size=MOST)
        alike = [one for one in found.member if _visible(one) and one.sku.casefold() == key.casefold()]
        same = [one for one in alike if one.sku == key]
        for one in (same or alike)[:1]:
            return await self.read(one.id)
        return None

    async def _by_url_key(self, key: str) -> WholeProduct | None:
        """The shop's filter also finds variants, which nobody can visit; and its answer shows no stock."""
        answer = await self._rest.get("/products", {"urlKey": key})
        for one in accepted(answer).read(Collection[ListedProduct]).member:
            if one.url_key == key and _visible(one):
                return await self.read(one.id)
        return None

    async def facets(self, category: CategoryId) -> Sequence[Facet]:
        """What a category's products differ in."""
        if not is_id(category):
            raise CategoryNotFound(category)
        answer = await self._rest.get("/layered-filters", {"categoryId": category})
        if answer.status == HTTPStatus.NOT_FOUND:
            return ()
        return translation.facets(accepted(answer).read(Collection[LayeredFilter]).member)

    async def page(self, identifier: str, *, site: str) -> Page:
        """One of the shop's pages."""
        answer = await self._rest.get("/cms-pages", {"identifier": identifier})
        for found in accepted(answer).read(Collection[CmsPage]).member:
            if found.identifier == identifier and found.is_active is not False:
                return translation.page(found, site=site)
        raise PageNotFound(identifier)


def _position(after: str | None) -> tuple[int, int]:
    """Where an answer goes on: a page's number and how many of it were seen."""
    number, _, seen = (after or "1").partition(".")
    if not (is_id(number) and is_id(seen or "0")) or int(number) < 1:
        raise ShopRefused("this search cannot be continued from there. Search anew.")
    return int(number), int(seen or "0")


def _visible(product: ListedProduct) -> bool:
    """Whether it can be visited by itself; a variant cannot."""
    return product.visibility != translation.HIDDEN


def _has(product: WholeProduct, sku: str) -> bool:
    return product.sku == sku or any(child.sku == sku for child in product.variants)
