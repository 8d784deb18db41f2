"""Catalogue search: query and page of results."""

from typing import Literal

from msgspec import Struct

from storefront_mcp.commerce.catalogue_value import CatalogueValue
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import ProductSummary

Sort = Literal["relevance", "price_low", "price_high", "name", "newest"]


class SearchQuery(Struct, frozen=True, kw_only=True):
    """A search query; empty fields do not filter."""

    text: str = ""
    category: CategoryId | None = None
    price_min: Money | None = None
    price_max: Money | None = None
    sort: Sort = "relevance"
    size: int = 10
    """Page size, 1 to 50."""
    after: str | None = None
    """A `SearchPage.next` of the same query."""


class SearchPage(CatalogueValue, frozen=True, kw_only=True):
    """One page of results, in an order that is stable between pages."""

    products: tuple[ProductSummary, ...]
    total: int | None = None
    """Number of all matches, where the backend counts them."""
    next: str | None = None
    """Position of the next page, in the backend's terms; None at the end."""
