"""Catalogue search: query and page of results."""

from typing import Literal

from msgspec import Struct

from storefront_mcp.commerce.catalogue_value import CatalogueValue
from storefront_mcp.commerce.category import CategoryFacet
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import ProductSummary

Sort = Literal["relevance", "price_low", "price_high", "name", "newest", "best_selling", "rating", "discount"]


class SearchQuery(Struct, frozen=True, kw_only=True):
    """A search query; empty fields do not filter."""

    text: str = ""
    category: CategoryId | None = None
    price_min: Money | None = None
    price_max: Money | None = None
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Attribute code and the labels of which one must hold, as facets name them."""
    in_stock: bool | None = None
    on_sale: bool | None = None
    sort: Sort = "relevance"
    size: int = 10
    """Page size, 1 to 50."""
    after: str | None = None
    """A `SearchPage.next` of the same query."""
    facets: bool = False
    """Whether to count what the matches differ in, where that can be told."""


class ReadConditions(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What was read out of a query's words as a condition. Amounts are minor units of the store's currency."""

    min_price_minor: int | None = None
    max_price_minor: int | None = None
    in_stock: bool | None = None
    on_sale: bool | None = None
    sort: Sort | None = None
    filters: dict[str, tuple[str, ...]] = {}
    """Attribute code to labels."""
    without: tuple[str, ...] = ()
    """What was excluded."""
    quantity: int | None = None
    """How many pieces are wanted: for the cart, and no condition of the search."""


class SearchPage(CatalogueValue, frozen=True, kw_only=True):
    """One page of results, in an order that is stable between pages."""

    products: tuple[ProductSummary, ...]
    total: int | None = None
    """Number of all matches, where the backend counts them."""
    next: str | None = None
    """Position of the next page, in the backend's terms; None at the end."""
    facets: tuple[CategoryFacet, ...] = ()
    understood: ReadConditions | None = None
    searched_for: str | None = None
    """The text with corrected words, by which was searched."""
    relaxed: tuple[str, ...] = ()
    """What was given up so that anything was found, in order."""
    hints: tuple[str, ...] = ()
    """What to try, where little or nothing was found."""
