"""Search the catalogue."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from storefront_mcp.commerce.catalogue_value import ReusableValue
from storefront_mcp.commerce.category import CategoryFacet
from storefront_mcp.commerce.cursor import decode_cursor, encode_cursor
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import ProductSummary
from storefront_mcp.commerce.search import ReadConditions, SearchPage, SearchQuery, Sort
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool

FilterLabel = Annotated[str, Meta(max_length=100)]


class SearchProducts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to look for; everything may be left out."""

    query: Annotated[str, Meta(max_length=200, description="The buyer's words")] = ""
    category: Annotated[str, Meta(max_length=200, description="Id or path")] | None = None
    min_price_minor: Annotated[int, Meta(ge=0)] | None = None
    max_price_minor: Annotated[int, Meta(ge=0, description="Minor units")] | None = None
    filters: Annotated[
        dict[Annotated[str, Meta(max_length=100)], Annotated[list[FilterLabel], Meta(min_length=1, max_length=20)]],
        Meta(max_length=8, description="Facet code to labels"),
    ] = {}
    in_stock: Annotated[bool, Meta(description="false: sold out only")] | None = None
    on_sale: bool | None = None
    facets: Annotated[Literal["auto", "none"], Meta(extra_json_schema={"unlisted": True})] = "auto"
    sort: Annotated[Sort, Meta(description="Default: relevance")] = "relevance"
    page_size: Annotated[int, Meta(ge=1, le=50, description="Default: 10")] = 10
    cursor: Annotated[str, Meta(max_length=500, description="next_cursor of the page before")] | None = None


class SearchResult(ReusableValue, frozen=True, omit_defaults=True, kw_only=True):
    """One page of products."""

    products: tuple[ProductSummary, ...]
    total: int | None = None
    next_cursor: str | None = None
    understood: ReadConditions | None = None
    did_you_mean: str | None = None
    """The words by which was searched already, where some were misspelt."""
    relaxed: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    facets: tuple[CategoryFacet, ...] = ()
    as_of: str | None = None
    """UTC, when the shop said so; absent: just now."""
    stale: bool = False
    """The shop does not answer now: this may have changed."""
    notice: str | None = None


PRICE_FACET: Final = "price"
NOTHING_FOUND: Final = (
    "Nothing matches. Try fewer or other words, a wider price range, or look around with list_categories."
)


@tool()
async def search_products(args: SearchProducts, shop: Shop) -> SearchResult:
    """Search products by words, category, price and facets.

    Prices are in minor units (27900 AUD is 279.00). "choose": read it with get_product before adding it.
    """
    category: CategoryId | None = None
    if args.category is not None:
        category = (await shop.backend.category(args.category)).id
    currency = shop.store.currency
    question = SearchQuery(
        text=args.query.strip(),
        category=category,
        price_min=None if args.min_price_minor is None else Money(args.min_price_minor, currency),
        price_max=None if args.max_price_minor is None else Money(args.max_price_minor, currency),
        filters=tuple([(code, tuple(labels)) for code, labels in args.filters.items()]),
        in_stock=args.in_stock,
        on_sale=args.on_sale,
        sort=args.sort,
        size=args.page_size,
    )
    wanted = args.facets == "auto" and args.cursor is None
    query = decode_cursor(args.cursor, question)
    found = await shop.backend.search(replace(query, facets=True) if wanted else query)
    facets = found.facets
    if wanted and not facets and category is not None:
        facets = tuple(await shop.backend.facets(category))
    # A page that is cached is the same object each time.
    key = (question, facets, args.cursor)
    return found.recall(key) or found.keep(key, _result(found, question, facets, args.cursor))


def _result(
    found: SearchPage, question: SearchQuery, facets: Sequence[CategoryFacet], cursor: str | None
) -> SearchResult:
    if facets and found.next is None:
        # There is nothing to narrow by price where all prices are on the page.
        facets = [facet for facet in facets if facet.code != PRICE_FACET]
    return SearchResult(
        products=found.products,
        total=found.total,
        next_cursor=encode_cursor(found.next, question),
        understood=found.understood,
        did_you_mean=found.searched_for,
        relaxed=found.relaxed,
        hints=found.hints,
        facets=tuple(facets),
        notice=None if found.products or found.hints or cursor is not None else NOTHING_FOUND,
        as_of=found.as_of,
        stale=found.stale,
    )
