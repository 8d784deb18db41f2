"""`IndexQuery`: a search as an engine answers it, parsed and free of any language."""

from msgspec import Struct

from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.search import Sort


class WordChoice(Struct, frozen=True):
    """A stem that fulfils a group of alternatives, and how much finding it is worth against the typed word."""

    stem: str
    weight: float = 1.0


class WordGroup(Struct, frozen=True, kw_only=True):
    """One thing that was asked for: a word, with whatever means the same."""

    text: str
    """As typed, folded."""
    choices: tuple[tuple[WordChoice, ...], ...]
    """Any of these; within one, all words, such as those of a synonym of two words."""


class AttributeFilter(Struct, frozen=True, kw_only=True):
    """One attribute and the values of which one must hold."""

    code: str
    values: tuple[str, ...]
    """Labels."""


class ExcludedValues(Struct, frozen=True, kw_only=True):
    """Values of one attribute that must not hold: a product with variants needs one with another value."""

    code: str
    values: tuple[str, ...]
    others: tuple[str, ...]
    """All other values that the attribute has."""
    named: tuple[WordGroup, ...] = ()
    """Words that must not name a product that has no value of the attribute."""


class KindFavour(Struct, frozen=True, kw_only=True):
    """A kind of thing that comes first among what matches the words as well."""

    head: str
    """Stem of the head of its name."""
    category: CategoryId | None = None
    """Only what was put into this one; None for any."""
    worth: float = 1.0


class IndexQuery(Struct, frozen=True, kw_only=True):
    """A parsed search. All but the groups must hold of each hit; amounts are minor units of the index's currency."""

    groups: tuple[WordGroup, ...] = ()
    required: int | None = None
    """How many of the groups must match; None: all."""
    of_kind: bool = False
    """Whether words count in names and attributes only, and one must be the kind of thing: the cheapest paddle is no
    cover for paddles, though an order by price would put one first."""
    heads: tuple[str, ...] = ()
    """Stems of which one must be the head of its name: `paddle` for a paddle, and for no set of two."""
    other_heads: tuple[str, ...] = ()
    """Stems of which none may be."""
    favours: tuple[KindFavour, ...] = ()
    category: CategoryId | None = None
    """This one or any below it."""
    price_min: int | None = None
    price_max: int | None = None
    in_stock: bool | None = None
    sold_out: bool = False
    """Whether it must not be in stock with all of `attributes`, though other variants of it may be."""
    on_sale: bool | None = None
    attributes: tuple[AttributeFilter, ...] = ()
    """Those of variants, and stock, hold together in one variant."""
    without_values: tuple[ExcludedValues, ...] = ()
    without: tuple[WordGroup, ...] = ()
    """Words that no text of it may have, unless one says that it has not: "no garlic"."""
    sort: Sort = "relevance"
    size: int = 10
    offset: int = 0
    facets: bool = False
