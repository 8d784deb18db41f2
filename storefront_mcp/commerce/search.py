"""What may be asked of a catalogue, and what comes back."""

from typing import Literal

from msgspec import Struct

from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import CategoryId
from storefront_mcp.commerce.product import ProductSummary

Sort = Literal["relevance", "price_low", "price_high", "name", "newest"]


class Search(Struct, frozen=True, kw_only=True):
    """A question to the catalogue; everything left out does not narrow."""

    text: str = ""
    category: CategoryId | None = None
    price_min: Money | None = None
    price_max: Money | None = None
    sort: Sort = "relevance"
    size: int = 10
    """Products wanted, 1 to 50."""
    after: str | None = None
    """A `Found.next` of the same question."""


class Found(Struct, frozen=True, kw_only=True):
    """One page of an answer, in an order that does not change between pages."""

    products: tuple[ProductSummary, ...]
    total: int | None = None
    """All matches, when the backend can count them."""
    next: str | None = None
    """Where the next page starts, in the backend's own words; None at the end. It always moves forward."""
