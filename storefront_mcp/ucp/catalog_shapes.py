"""Products and variants as UCP shows them, and the requests of the catalog (unknown members are ignored)."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from storefront_mcp.ucp.messages import UcpMessage


class UcpPrice(Struct, frozen=True):
    """An amount in minor units."""

    amount: int
    currency: str


class UcpPriceRange(Struct, frozen=True):
    """The lowest and the highest price."""

    min: UcpPrice
    max: UcpPrice


class UcpDescription(Struct, frozen=True):
    """A description, in plain text alone."""

    plain: str


class UcpPolicy(Struct, frozen=True, kw_only=True):
    """A term that holds for the whole answer."""

    type: str
    """Reverse-domain name of its kind."""
    description: UcpDescription
    url: str


class UcpCategory(Struct, frozen=True):
    """A category by its id, as search takes it."""

    value: str


class UcpMedia(Struct, frozen=True, kw_only=True):
    """A picture."""

    type: Literal["image"] = "image"
    url: str
    alt_text: str


class UcpRating(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What customers think of it."""

    value: float
    scale_max: float
    count: int | None = None


class UcpAvailability(Struct, frozen=True):
    """Whether it can be bought."""

    available: bool
    status: Literal["in_stock", "out_of_stock"]


class SelectedOption(Struct, frozen=True, kw_only=True):
    """One option with its value."""

    name: str
    label: str


class UcpOptionValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value of an option, in the detail of a product with whether it goes with what is selected."""

    label: str
    available: bool | None = None
    exists: bool | None = None


class UcpOption(Struct, frozen=True):
    """An option in which variants differ."""

    name: str
    values: tuple[UcpOptionValue, ...]


class InputCorrelation(Struct, frozen=True):
    """Which of the ids that were asked for a variant answers."""

    id: str
    match: Literal["exact", "featured"]


class UcpVariant(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is bought: a cart takes its id."""

    id: str
    sku: str
    title: str
    description: UcpDescription
    price: UcpPrice
    list_price: UcpPrice | None = None
    availability: UcpAvailability
    options: tuple[SelectedOption, ...] = ()
    inputs: tuple[InputCorrelation, ...] = ()


class ProductMetadata(Struct, frozen=True):
    """What of a product has no place of its own in the protocol."""

    required_options: tuple[str, ...]
    """Titles of options that the buyer has to give on the page of the cart, such as an engraving."""


class UcpProduct(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product with its variants, the featured one first."""

    id: str
    handle: str | None = None
    title: str
    description: UcpDescription
    url: str | None = None
    categories: tuple[UcpCategory, ...] = ()
    price_range: UcpPriceRange
    list_price_range: UcpPriceRange | None = None
    media: tuple[UcpMedia, ...] = ()
    options: tuple[UcpOption, ...] = ()
    selected: tuple[SelectedOption, ...] = ()
    variants: tuple[UcpVariant, ...]
    rating: UcpRating | None = None
    metadata: ProductMetadata | None = None


class PageInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a page of results stands; a cursor exists iff there is another page."""

    has_next_page: bool
    cursor: str | None = None
    total_count: int | None = None


class SearchAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to search_catalog."""

    ucp: Raw
    products: tuple[()]
    """Told by the `SearchAnswerPage`."""
    pagination: PageInfo
    messages: tuple[UcpMessage, ...] = ()


class SearchAnswerPage(Struct, frozen=True):
    """A page of products around which an answer stands."""

    answer: SearchAnswer
    products: Sequence[bytes]
    """Each a `UcpProduct` as JSON: encoding them anew would be dearer than all else that a search takes."""


class LookupAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to lookup_catalog."""

    ucp: Raw
    products: tuple[UcpProduct, ...]
    messages: tuple[UcpMessage, ...] = ()


class ProductAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to get_product."""

    ucp: Raw
    product: UcpProduct
    policies: tuple[UcpPolicy, ...] = ()
    messages: tuple[UcpMessage, ...] = ()


# Requests ------------------------------------------------------------------------------------------------------------

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
ShortText = Annotated[str, Meta(max_length=200)]


class PriceFilter(Struct, frozen=True, kw_only=True):
    """Bounds in minor units."""

    min: Count | None = None
    max: Count | None = None


class CatalogFilters(Struct, frozen=True, kw_only=True):
    """What narrows a search; any other filter is ignored."""

    categories: Annotated[tuple[ShortText, ...], Meta(max_length=50)] | None = None
    price: PriceFilter | None = None


class PageRequest(Struct, frozen=True, kw_only=True):
    """Which page."""

    limit: Annotated[int, Meta(ge=1)] | None = None
    cursor: Annotated[str, Meta(max_length=600)] | None = None


class CatalogContext(Struct, frozen=True, kw_only=True):
    """Hints; of all, the currency in which price filters are meant is read."""

    currency: str | None = None


class SearchRequest(Struct, frozen=True, kw_only=True):
    """What search_catalog takes."""

    query: Annotated[str, Meta(max_length=4_000)] | None = None
    filters: CatalogFilters | None = None
    pagination: PageRequest | None = None
    context: CatalogContext | None = None


class LookupRequest(Struct, frozen=True, kw_only=True):
    """What lookup_catalog takes."""

    ids: Annotated[tuple[ShortText, ...], Meta(max_length=1_000)]


class WantedOption(Struct, frozen=True, kw_only=True):
    """A selected option as sent."""

    name: ShortText
    label: ShortText | None = None
    id: ShortText | None = None


class ProductRequest(Struct, frozen=True, kw_only=True):
    """What get_product takes."""

    id: ShortText
    selected: Annotated[tuple[WantedOption, ...], Meta(max_length=50)] | None = None
    preferences: Annotated[tuple[ShortText, ...], Meta(max_length=50)] | None = None
