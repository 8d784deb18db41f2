"""Categories and the facets that narrow one down."""

from msgspec import Struct

from storefront_mcp.commerce.catalogue_value import CatalogueValue
from storefront_mcp.commerce.ids import CategoryId


class Category(CatalogueValue, frozen=True, kw_only=True):
    """A category, with its children down to the requested depth."""

    id: CategoryId
    name: str
    path: str = ""
    """Url path below the shop's root: `pickleball/paddles`."""
    description: str = ""
    products: int | None = None
    children: tuple["Category", ...] = ()
    more_below: bool = False
    """Whether it has children that are not in `children`."""


class FacetValue(Struct, frozen=True):
    """A facet's value and the number of products that have it."""

    label: str
    count: int


class CategoryFacet(Struct, frozen=True):
    """A property by which a category's products differ."""

    label: str
    values: tuple[FacetValue, ...]
