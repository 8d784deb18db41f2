"""Catalog operations: search_catalog, lookup_catalog and get_product."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from storefront_mcp.agent_protocols.ucp import LOOKUP, SEARCH
from storefront_mcp.calls.error_texts import without_tool_names
from storefront_mcp.calls.errors import ArgumentsRefused, CallError
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.commerce.errors import CategoryNotFound, ProductNotFound, ShopError
from storefront_mcp.commerce.product import Product, ProductSummary
from storefront_mcp.ucp.catalog_shapes import (
    LookupAnswer,
    LookupRequest,
    PageInfo,
    ProductAnswer,
    ProductRequest,
    SearchAnswer,
    SearchAnswerPage,
    SearchRequest,
    UcpProduct,
)
from storefront_mcp.ucp.failures import INVALID_PARAMS, UcpFailure, UcpOutcome, invalid_input
from storefront_mcp.ucp.messages import UcpMessage, information_message, warning_message
from storefront_mcp.ucp.policies import ShopPolicies
from storefront_mcp.ucp.products import (
    detailed_product,
    effective_selection,
    for_inputs,
    listed_product,
    summarized_product,
    with_selection,
    with_variant_first,
)
from storefront_mcp.ucp.request import UcpRequest

PAGE_SIZE: Final = 10
"""Products of a page where none is asked for, and at most: each of them is read whole."""
MAX_LOOKUP_IDS: Final = 20
MAX_CATEGORIES: Final = 10
"""Of one search; any of them may hold."""
MAX_QUERY_CHARS: Final = 200
"""That the search reads of a query."""
LISTED_SECONDS: Final = 60.0
"""How long a product of a list may be shown as it was."""
LISTED_PRODUCTS: Final = 2_000


class CachedUcpProduct(Struct, frozen=True):
    """A product of lists."""

    until: float
    """When it is read again."""
    product: UcpProduct | None
    """None where it could not be read, and is not asked for meanwhile."""
    encoded: bytes
    """The product as JSON: encoding it is dearer than all else that a search takes."""


class CatalogResults(Struct, frozen=True):
    """One page of a search."""

    products: Sequence[ProductSummary]
    pagination: PageInfo
    messages: tuple[UcpMessage, ...] = ()
    """What the search gave up, or read otherwise."""


NO_PRODUCTS: Final = CatalogResults((), PageInfo(has_next_page=False))
NEVER_READ: Final = CachedUcpProduct(-math.inf, None, b"")
_ENCODER: Final = msgspec.json.Encoder()


class ListedProductCache:
    """Products of lists, read whole once a minute, as a list of the shop tells neither pictures nor variants."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is monotonic, in seconds."""
        self._clock = clock
        self._known: dict[str, CachedUcpProduct] = {}
        """By SKU, the oldest first. Twenty questions to a library's cache would cost as much as all the rest."""

    async def of(self, summaries: Sequence[ProductSummary], runner: ToolRunner) -> Sequence[bytes]:
        """The products of a list in its order, as JSON; as the list tells them where they cannot be read whole now."""
        now, known = self._clock(), self._known
        missing = [one for one in summaries if known.get(one.sku, NEVER_READ).until <= now]
        if missing and runner.is_open("get_product"):
            for summary, read in zip(
                missing, await asyncio.gather(*(_read(runner, one.sku) for one in missing)), strict=True
            ):
                self._keep(summary.sku, None if read is None else listed_product(read))
        return [_list_entry(known.get(one.sku, NEVER_READ), one, now) for one in summaries]

    def _keep(self, sku: str, product: UcpProduct | None) -> None:
        known = self._known
        known.pop(sku, None)
        encoded = b"" if product is None else _ENCODER.encode(product)
        known[sku] = CachedUcpProduct(self._clock() + LISTED_SECONDS, product, encoded)
        if len(known) > LISTED_PRODUCTS:
            del known[next(iter(known))]


def _list_entry(read: CachedUcpProduct, summary: ProductSummary, now: float) -> bytes:
    if read.product is None or read.until <= now:
        return _ENCODER.encode(summarized_product(summary))
    found = summary.selected_variant.sku if summary.selected_variant is not None else summary.variant
    return read.encoded if found is None else _ENCODER.encode(with_variant_first(read.product, found))


async def _read(runner: ToolRunner, sku: str) -> Product | None:
    """A product of a list; None where it cannot be read now."""
    try:
        product: Product = await runner.run("get_product", sku=sku)
    except (CallError, ShopError):
        return None
    return product


class CatalogOperations:
    """The catalog operations of one store."""

    def __init__(self, policies: ShopPolicies, listed: ListedProductCache | None = None) -> None:
        self._policies = policies
        self._listed = listed or ListedProductCache()

    async def search(self, request: UcpRequest, wanted: SearchRequest) -> SearchAnswerPage:
        """search_catalog: a page of products for words, categories and prices."""
        filters, page = wanted.filters, wanted.pagination
        categories = [] if filters is None or filters.categories is None else list(dict.fromkeys(filters.categories))
        price = None if filters is None else filters.price
        query = (wanted.query or "").strip()
        if not query and not categories and price is None:
            raise invalid_input("Send a query, or a filter: categories or price.")
        if len(categories) > MAX_CATEGORIES:
            raise invalid_input(f"At most {MAX_CATEGORIES} categories at once.")
        arguments: dict[str, Any] = {
            "query": query[:MAX_QUERY_CHARS],
            "page_size": PAGE_SIZE if page is None or page.limit is None else min(page.limit, PAGE_SIZE),
            "facets": "none",
        }
        messages: tuple[UcpMessage, ...] = ()
        currency, asked = (
            request.runner.shop.store.currency,
            None if wanted.context is None else wanted.context.currency,
        )
        if price is not None and asked is not None and asked.upper() != currency:
            told = f"Prices are in {currency} here: the price filter in {asked[:10]} was left out."
            messages = (information_message("price_filter_ignored", told, "$.products"),)
        elif price is not None:
            arguments["min_price_minor"] = price.min
            arguments["max_price_minor"] = price.max
        cursor = None if page is None else page.cursor
        page_found = await _search_categories(request.runner, arguments, categories, cursor)
        products = await self._listed.of(page_found.products, request.runner)
        messages += page_found.messages
        pagination = page_found.pagination
        answer = SearchAnswer(ucp=request.metadata(SEARCH), products=(), pagination=pagination, messages=messages)
        return SearchAnswerPage(answer, products)

    async def lookup(self, request: UcpRequest, wanted: LookupRequest) -> LookupAnswer:
        """lookup_catalog: products by ids of products and variants."""
        ids = list(dict.fromkeys(wanted.ids))
        if not ids:
            raise invalid_input("Send at least one id.")
        if len(ids) > MAX_LOOKUP_IDS:
            raise UcpFailure(400, INVALID_PARAMS, "request_too_large", f"At most {MAX_LOOKUP_IDS} ids at once.")
        results = await asyncio.gather(*(_find(request.runner, one) for one in ids))
        products: dict[str, UcpProduct] = {}
        asked: dict[str, list[str]] = {}
        for id_, product in zip(ids, results, strict=True):
            if product is not None:
                products.setdefault(product.sku, detailed_product(product))
                asked.setdefault(product.sku, []).append(id_)
        known = {id_ for given in asked.values() for id_ in given}
        return LookupAnswer(
            ucp=request.metadata(LOOKUP),
            products=tuple(for_inputs(product, asked[sku]) for sku, product in products.items()),
            messages=tuple(information_message("not_found", id_) for id_ in ids if id_ not in known),
        )

    async def product(self, request: UcpRequest, wanted: ProductRequest) -> ProductAnswer:
        """get_product: one product in full, under the options that are selected."""
        found = await _find(request.runner, wanted.id, detail="full")
        if found is None:
            raise UcpOutcome("not_found", f"There is no product {wanted.id!r}.")
        product = detailed_product(found)
        if found.selected_variant is not None:
            sku = found.selected_variant.sku
            featured = with_variant_first(product, sku)
            shown = with_variant_first(with_selection(featured, featured.variants[0].options), sku)
        else:
            chosen = effective_selection(product, wanted.selected or (), wanted.preferences or ())
            shown = with_selection(product, chosen)
        policies = await self._policies.of(request)
        metadata = request.metadata(LOOKUP)
        return ProductAnswer(ucp=metadata, product=shown, policies=policies, messages=_option_messages(shown))


def _option_messages(product: UcpProduct) -> tuple[UcpMessage, ...]:
    """What a product needs of the buyer before it can be bought."""
    if product.metadata is None:
        return ()
    needed = ", ".join(product.metadata.required_options)
    told = f"Prices are with the least that it needs: {needed}. The buyer gives it on the page of the cart or checkout."
    return (information_message("options_required", told, "$.product"),)


async def _find(runner: ToolRunner, id_: str, detail: str = "brief") -> Product | None:
    """The product with this id, or of the variant with it; None where there is none."""
    if not id_.strip():
        return None
    try:
        product: Product = await runner.run("get_product", sku=id_, detail=detail)
    except (ArgumentsRefused, ProductNotFound):
        # No product has an id that no tool takes.
        return None
    return product


def search_messages(found: Any) -> tuple[UcpMessage, ...]:  # noqa: ANN401 -- the result of search_products
    """What the search gave up (a warning), the words that it searched for instead, and what to try."""
    told: list[UcpMessage] = []
    if found.relaxed:
        told.append(warning_message("search_relaxed", f"Nothing fits every word ({'; '.join(found.relaxed)})."))
    if found.did_you_mean:
        told.append(information_message("query_corrected", f"Searched for: {found.did_you_mean}."))
    hints = filter(None, map(without_tool_names, found.hints))
    return (*told, *(information_message("search_hint", hint) for hint in hints))


async def _search_categories(
    runner: ToolRunner, arguments: dict[str, Any], categories: Sequence[str], cursor: str | None
) -> CatalogResults:
    """One page. Several categories follow each other, as the shop searches one at a time."""
    if len(categories) <= 1:
        category = categories[0] if categories else None
        try:
            found = await runner.run("search_products", **arguments, category=category, cursor=cursor)
        except CategoryNotFound:
            return NO_PRODUCTS
        after = found.next_cursor
        pagination = PageInfo(has_next_page=after is not None, cursor=after, total_count=found.total)
        return CatalogResults(found.products, pagination, search_messages(found))
    place, inner = _read_place(cursor, len(categories))
    while place < len(categories):
        try:
            found = await runner.run("search_products", **arguments, category=categories[place], cursor=inner)
        except CategoryNotFound:
            found = None
        if found is not None and found.next_cursor is not None:
            pagination = PageInfo(has_next_page=True, cursor=f"{place}.{found.next_cursor}")
            return CatalogResults(found.products, pagination, search_messages(found))
        place, inner = place + 1, None
        if found is not None and found.products:
            more = place < len(categories)
            pagination = PageInfo(has_next_page=more, cursor=f"{place}." if more else None)
            return CatalogResults(found.products, pagination, search_messages(found))
    return NO_PRODUCTS


def _read_place(cursor: str | None, count: int) -> tuple[int, str | None]:
    """Which of several categories a cursor is in, and the cursor within it. Raises UcpFailure."""
    if cursor is None:
        return 0, None
    place, dot, inner = cursor.partition(".")
    if not dot or place not in map(str, range(count)):
        raise invalid_input("This cursor does not belong to this search.")
    return int(place), inner or None
