"""Categories and the facets that narrow one down."""

from msgspec import Struct

from storefront_mcp.commerce.names import CategoryId


class Category(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A shelf of the shop, with the shelves below it as far as they were asked for."""

    id: CategoryId
    name: str
    path: str = ""
    """Url path below the shop's root: `pickleball/paddles`."""
    description: str = ""
    products: int | None = None
    children: tuple["Category", ...] = ()


class FacetValue(Struct, frozen=True):
    """How many products of a category have this value."""

    label: str
    count: int


class Facet(Struct, frozen=True):
    """A property by which a category's products differ."""

    label: str
    values: tuple[FacetValue, ...]
