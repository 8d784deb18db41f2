"""Search the catalogue."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from storefront_mcp.commerce.category import CategoryFacet
from storefront_mcp.commerce.cursor import decode_cursor, encode_cursor
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import ProductSummary
from storefront_mcp.commerce.search import SearchQuery
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class SearchProducts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to look for; everything may be left out."""

    query: Annotated[str, Meta(max_length=200, description="Words that must all match; leave out to list")] = ""
    category: Annotated[str, Meta(max_length=200, description="Id or path; its subcategories count")] | None = None
    min_price_minor: Annotated[int, Meta(ge=0, description="Minor units")] | None = None
    max_price_minor: Annotated[int, Meta(ge=0, description="Minor units")] | None = None
    sort: Annotated[
        Literal["relevance", "price_low", "price_high", "name", "newest"], Meta(description="Their order")
    ] = "relevance"
    page_size: Annotated[int, Meta(ge=1, le=50, description="How many products")] = 10
    cursor: Annotated[str, Meta(max_length=500, description="next_cursor of the page before")] | None = None


class SearchResult(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One page of products."""

    products: tuple[ProductSummary, ...]
    total: int | None = None
    next_cursor: str | None = None
    facets: tuple[CategoryFacet, ...] = ()
    as_of: str | None = None
    """UTC, when the shop said so; absent: just now."""
    stale: bool = False
    """The shop does not answer now: this may have changed."""
    notice: str | None = None


NOTHING_FOUND: Final = (
    "Nothing matches. Try fewer or other words, a wider price range, or look around with list_categories."
)


@tool()
async def search_products(args: SearchProducts, shop: Shop) -> SearchResult:
    """Search products by words, category and price.

    Prices are in minor units (27900 AUD is 279.00). "choose": it needs a variant or options; read it with get_product
    before adding it. Facets come with a category's first page.
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
        sort=args.sort,
        size=args.page_size,
    )
    found = await shop.backend.search(decode_cursor(args.cursor, question))
    facets = await shop.backend.facets(category) if category is not None and args.cursor is None else ()
    return SearchResult(
        products=found.products,
        total=found.total,
        next_cursor=encode_cursor(found.next, question),
        facets=tuple(facets),
        notice=None if found.products or args.cursor is not None else NOTHING_FOUND,
        as_of=found.as_of,
        stale=found.stale,
    )
