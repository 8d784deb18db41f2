"""The answer as pydantic models, for the peers that type their results with it."""

from pydantic import BaseModel


class Money(BaseModel):
    """An amount in minor units."""

    minor: int
    currency: str


class ProductSummary(BaseModel):
    """A product in a list."""

    sku: str
    name: str
    price: Money
    list_price: Money | None = None
    choose: str | None = None


class SearchResult(BaseModel):
    """One page of products."""

    products: list[ProductSummary]
    total: int | None = None
