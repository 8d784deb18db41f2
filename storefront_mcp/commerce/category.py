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


class CategoryFacet(Struct, frozen=True, omit_defaults=True):
    """A property by which products differ, or the range of their prices."""

    label: str = ""
    values: tuple[FacetValue, ...] = ()
    code: str = ""
    """By which it is named in `filters`; empty where it cannot be filtered by."""
    min_minor: int | None = None
    """Of prices, in minor units of the store's currency."""
    max_minor: int | None = None
