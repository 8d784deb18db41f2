"""From an `IndexQuery` to a query of tantivy, put together from terms, as it never parses a user's text."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations, islice, product
from typing import Final

from msgspec.structs import replace
from tantivy import FieldType, Occur, Order, Query, Schema

from storefront_mcp.catalogue.index_query import (
    AttributeFilter,
    IndexQuery,
    KindFavour,
    WordGroup,
)
from storefront_mcp.catalogue.tantivy_engine.schema import (
    IN_STOCK,
    LISTED,
    MAX_JOINT_AXES,
    ON_SALE,
    SEARCHABLE,
    absence_term,
    attribute_term,
    category_term,
    head_term,
    joint_term,
    kind_term,
    plain_term,
)
from storefront_mcp.commerce.search import Sort

FieldWeights = tuple[tuple[str, float], ...]
KIND_FIELD: Final[FieldWeights] = (("kind", 10.0),)
NAME_FIELDS: Final[FieldWeights] = (("name", 8.0), *KIND_FIELD)
FIELD_WEIGHTS: Final[FieldWeights] = (*NAME_FIELDS, ("body", 1.0))
"""What a word is worth in the name and attributes, as the kind of thing, and in categories and description."""
GROUP_SCORE: Final = 1000.0
"""More than all words of one product are worth, so that more groups always come first."""
FAVOUR_SCORE: Final = 60.0
"""For a kind of thing that comes first: more than the words of one name are worth more than those of another."""
STATED_SCORE: Final = 100.0
"""For texts that say that a product is without what is not wanted: more than a kind that comes first."""
EXACT_SCORE: Final = 200.0
"""For a name that is the whole query."""
MAX_VALUE_COMBINATIONS: Final = 240
ORDERS: Final[dict[Sort, tuple[str, Order]]] = {
    "price_low": ("price", Order.Asc),
    "price_high": ("price", Order.Desc),
    "name": ("title", Order.Asc),
    "newest": ("created", Order.Desc),
    "best_selling": ("sold", Order.Desc),
    "rating": ("rating", Order.Desc),
    "discount": ("discount", Order.Desc),
}


class IndexQueryTranslator:
    """Queries for one schema."""

    def __init__(self, schema: Schema) -> None:
        """For the fields of this schema."""
        self._schema = schema

    def query(self, index_query: IndexQuery) -> Query:
        """What matches all that must hold, and enough of the groups."""
        must = [(Occur.Must, Query.const_score_query(one, 0.0)) for one in self._conditions(index_query)]
        if not index_query.groups:
            return Query.boolean_query(must)
        fields = NAME_FIELDS if index_query.of_kind else FIELD_WEIGHTS
        wanted = [self.group(group, fields) for group in index_query.groups]
        if index_query.of_kind:
            must.append((Occur.Must, _any([self.group(group, KIND_FIELD) for group in index_query.groups])))
        exact = " ".join(group.choices[0][0].stem for group in index_query.groups if group.choices)
        bonus = Query.const_score_query(self._term("exact", exact), EXACT_SCORE)
        if index_query.required is None or index_query.required >= len(wanted):
            stated = Query.const_score_query(self._absence_query(index_query.without), STATED_SCORE)
            favours = (bonus, *map(self._favour, index_query.favours), *([stated] if index_query.without else []))
            favoured = [(Occur.Should, one) for one in favours]
            return Query.boolean_query([*must, *((Occur.Must, one) for one in wanted), *favoured])
        counted = [
            Query.boolean_query([(Occur.Must, Query.const_score_query(one, GROUP_SCORE)), (Occur.Should, one)])
            for one in wanted
        ]
        some = Query.boolean_query([(Occur.Should, one) for one in counted], index_query.required)
        return Query.boolean_query([*must, (Occur.Must, some)])

    def without_filter(self, index_query: IndexQuery, code: str) -> Query:
        """The query with every filter but that of one attribute."""
        others = tuple(one for one in index_query.attributes if one.code != code)
        return self.query(replace(index_query, attributes=others))

    def group(self, group: WordGroup, fields: FieldWeights = FIELD_WEIGHTS) -> Query:
        """Any choice of a group, each in any field."""
        return _any([_all([self._word(word.stem, word.weight, fields) for word in one]) for one in group.choices])

    def one_of(self, field: str, terms: Iterable[str]) -> Query:
        """Documents with one of these whole terms."""
        return Query.term_set_query(self._schema, field, list(terms))

    def _word(self, stem: str, weight: float, fields: FieldWeights) -> Query:
        found = [
            Query.boost_query(Query.term_query(self._schema, name, stem, "freq"), worth * weight)
            for name, worth in fields
        ]
        return _any(found)

    def _favour(self, favour: KindFavour) -> Query:
        term = head_term(favour.head) if favour.category is None else kind_term(favour.head, favour.category)
        return Query.const_score_query(self._term("term", term), FAVOUR_SCORE * favour.worth)

    def _term(self, field: str, term: str) -> Query:
        return Query.term_query(self._schema, field, term, "basic")

    def _conditions(self, index_query: IndexQuery) -> Iterator[Query]:
        yield self._term("term", SEARCHABLE if index_query.groups else LISTED)
        if index_query.heads:
            yield self.one_of("term", map(head_term, index_query.heads))
        for head in index_query.other_heads:
            yield self._not(head_term(head))
        if index_query.category is not None:
            yield self._term("term", category_term(index_query.category))
        if index_query.price_min is not None or index_query.price_max is not None:
            yield Query.range_query(
                self._schema, "price", FieldType.Unsigned, index_query.price_min or 0, index_query.price_max
            )
        if index_query.on_sale is not None:
            yield self._term("term", ON_SALE) if index_query.on_sale else self._not(ON_SALE)
        if index_query.in_stock is False:
            yield self._not(IN_STOCK)
        elif index_query.in_stock:
            yield self._term("term", IN_STOCK)
        if index_query.attributes:
            yield self._attributes(index_query.attributes, in_stock=bool(index_query.in_stock))
        yield from self._excluding(index_query, in_stock=bool(index_query.in_stock))
        if index_query.sold_out:
            wanted = [self._attributes(index_query.attributes, in_stock=True)] if index_query.attributes else []
            excluding = self._excluding(index_query, in_stock=True)
            yield _none([_all([self._term("term", IN_STOCK), *wanted, *excluding])])

    def _not(self, term: str) -> Query:
        return _none([self._term("term", term)])

    def _attributes(self, filters: Sequence[AttributeFilter], *, in_stock: bool) -> Query:
        """Any way to share the filters out between the product as a whole and one of its variants."""
        ways: list[Query] = []
        for size in range(min(len(filters), MAX_JOINT_AXES) + 1):
            for joint in combinations(filters, size):
                plain = [self._plain(one) for one in filters if one not in joint]
                ways.append(_all([*plain, *([self._joint(joint, in_stock=in_stock)] if joint else [])]))
        return _any(ways)

    def _with_words(self, group: WordGroup, fields: FieldWeights) -> Iterator[Query]:
        """Products whose texts have the words of a choice, but those of which they say that it is without."""
        for choice in group.choices:
            words = [(Occur.Must, self._word(word.stem, 1.0, fields)) for word in choice]
            yield Query.boolean_query([*words, (Occur.MustNot, self._absence_query([group]))])

    def _absence_query(self, groups: Sequence[WordGroup]) -> Query:
        """Products whose texts say that they are without any of these words."""
        stems = {word.stem for group in groups for choice in group.choices for word in choice}
        return self.one_of("term", map(absence_term, sorted(stems)))

    def _excluding(self, index_query: IndexQuery, *, in_stock: bool) -> Iterator[Query]:
        """What must hold so that nothing excluded is found; of variants one must have another value."""
        for group in index_query.without:
            yield _none([*self._with_words(group, FIELD_WEIGHTS)])
        filtered = {one.code for one in index_query.attributes}
        for excluded in index_query.without_values:
            plain, variants = _terms(excluded.code, excluded.values)
            yield _none([self.one_of("term", plain)])
            if excluded.code in filtered:
                continue
            valued = self.one_of("term", chain(plain, variants, *_terms(excluded.code, excluded.others)))
            for group in excluded.named:
                named = _any([*self._with_words(group, NAME_FIELDS)]) if group.choices else Query.empty_query()
                yield _none([_all([named, _none([valued])])])
            other_variants = []
            if excluded.others:
                others = AttributeFilter(code=excluded.code, values=excluded.others)
                other_variants = [self._attributes((*index_query.attributes, others), in_stock=in_stock)]
            yield _any([_none([self.one_of("term", variants)]), *other_variants])

    def _plain(self, wanted: AttributeFilter) -> Query:
        return self.one_of("term", [plain_term(attribute_term(wanted.code, value)) for value in wanted.values])

    def _joint(self, filters: Sequence[AttributeFilter], *, in_stock: bool) -> Query:
        values = ([attribute_term(one.code, value) for value in one.values] for one in filters)
        terms = [joint_term(chosen, in_stock=in_stock) for chosen in islice(product(*values), MAX_VALUE_COMBINATIONS)]
        return self.one_of("term", terms)


def _terms(code: str, values: Iterable[str]) -> tuple[list[str], list[str]]:
    """The terms of values that a product has as a whole, and of those that a variant has."""
    terms = [attribute_term(code, value) for value in values]
    return [*map(plain_term, terms)], [joint_term([term], in_stock=False) for term in terms]


def _any(queries: Sequence[Query]) -> Query:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, one) for one in queries])


def _all(queries: Sequence[Query]) -> Query:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Must, one) for one in queries])


def _none(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Must, Query.all_query()), *((Occur.MustNot, one) for one in queries)])
