"""Fields of the index, and a product as a document of it."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Final

import msgspec
import tantivy

from storefront_mcp.catalogue.document import MAX_INDEXED_CHARS, CatalogueDocument
from storefront_mcp.catalogue.query.folding import fold_text, head_word, sku_letters, text_words
from storefront_mcp.catalogue.query.language import Stem
from storefront_mcp.catalogue.query.negations import stated_absences
from storefront_mcp.commerce.product import charged_price

SCHEMA_VERSION: Final = 6
"""Of the fields and of how text becomes words; a folder of another version is not read."""
MAX_JOINT_AXES: Final = 4
"""Attributes of variants of which any combination can be filtered by in one variant."""
MAX_FIELD_WORDS: Final = 1500
SEPARATOR: Final = "\x1f"
"""Between the parts of a term that has parts."""
IN_STOCK: Final = "stock"
ON_SALE: Final = "sale"
LISTED: Final = "listed"
KIND_PLACE: Final = "k"
SEARCHABLE: Final = "searchable"
_DECODER: Final = msgspec.msgpack.Decoder(CatalogueDocument)
_ENCODER: Final = msgspec.msgpack.Encoder()
_STEMMERS: Final = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nb": "norwegian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}


def snowball_stem(locale: str) -> Stem:
    """The stem of a word in a locale's language; the word itself in a language that has no stemmer."""
    language = _STEMMERS.get(locale.replace("_", "-").partition("-")[0].lower())
    if language is None:
        return str
    analyzer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw()).filter(tantivy.Filter.stemmer(language)).build()
    return lambda word: analyzer.analyze(word)[0]


def index_schema() -> tantivy.Schema:
    """The fields. Texts are stems between spaces, terms are whole; nothing but the product itself is stored."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", tokenizer_name="raw", index_option="basic")
    for name in ("name", "kind", "body"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    for name in ("word", "sku", "exact", "term", "attribute", "category", "completion"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("facet", "title"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    for name in ("price", "discount", "created", "sold"):
        builder.add_unsigned_field(name, indexed=name == "price", fast=True)
    for name in ("rating", "quality"):
        builder.add_float_field(name, fast=True)
    builder.add_bytes_field("data", stored=True)
    return builder.build()


def decoded_document(stored: tantivy.Document) -> CatalogueDocument:
    """The product of a stored document."""
    return _DECODER.decode(stored.get_first("data") or b"")


def attribute_term(code: str, value: str) -> str:
    """A value of an attribute, as filters name it."""
    return f"{code}={fold_text(value)}"


def joint_term(values: Iterable[str], *, in_stock: bool) -> str:
    """Values that one variant has together, and whether it is in stock."""
    return SEPARATOR.join(["v", *sorted(values), *([IN_STOCK] if in_stock else [])])


def plain_term(value: str) -> str:
    """A value that the product has as a whole."""
    return f"p{SEPARATOR}{value}"


def category_term(category: str) -> str:
    """A category that lists the product."""
    return f"c{SEPARATOR}{category}"


def head_term(stem: str) -> str:
    """The kind of thing that a product's own name says it is."""
    return f"h{SEPARATOR}{stem}"


def absence_term(stem: str) -> str:
    """What a product's own texts say that it has not."""
    return f"n{SEPARATOR}{stem}"


def kind_term(stem: str, category: str) -> str:
    """The same, with a category that the product was put into."""
    return SEPARATOR.join((KIND_PLACE, stem, category))


def index_document(document: CatalogueDocument, stem: Stem) -> tantivy.Document:
    """A product as the index holds it."""
    fields = tantivy.Document()
    fields.add_text("key", document.key)
    _add_words(fields, document, stem)
    _add_names(fields, document)
    for term in {*_conditions(document), *_attribute_terms(document), *_absence_terms(document, stem)}:
        fields.add_text("term", term)
    if (head := head_word(document.product.name)) is not None:
        fields.add_text("term", head_term(stem(head)))
        for category in document.categories:
            if category.direct:
                fields.add_text("term", kind_term(stem(head), category.id))
    for attribute in document.attributes:
        if attribute.filterable:
            fields.add_text("attribute", SEPARATOR.join((attribute.code, attribute.label)))
            for value in dict.fromkeys(attribute.values):
                fields.add_text("facet", SEPARATOR.join((attribute.code, value)))
    for category in document.categories:
        fields.add_text("category", SEPARATOR.join((category.id, category.name)))
    _add_numbers(fields, document)
    fields.add_bytes("data", _ENCODER.encode(document))
    return fields


def _add_words(fields: tantivy.Document, document: CatalogueDocument, stem: Stem) -> None:
    """What words find: stems by where they stand, and the words themselves for spelling and completion."""
    product = document.product
    title = text_words(product.name)
    labels = (value for attribute in document.attributes for value in attribute.values)
    name = [*title, *_all_words((document.brand or "", *labels))][:MAX_FIELD_WORDS]
    said = (
        *(category.name for category in document.categories),
        product.description[:MAX_INDEXED_CHARS],
        *(option.title for option in product.custom_options),
        *(value.title for option in product.custom_options for value in option.values),
    )
    body = [*_all_words(said)][:MAX_FIELD_WORDS]
    fields.add_text("name", " ".join(map(stem, name)))
    fields.add_text("body", " ".join(map(stem, body)))
    fields.add_text("kind", " ".join(map(stem, _heads(document))))
    fields.add_text("exact", " ".join(map(stem, title)))
    for word in {*name, *body} if document.searchable else ():
        fields.add_text("word", word)


def _all_words(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from text_words(text)


def _add_names(fields: tantivy.Document, document: CatalogueDocument) -> None:
    """What it is looked up, sorted and completed by."""
    product = document.product
    fields.add_text("title", fold_text(product.name))
    codes = (product.sku, product.url_key or "", *(variant.sku for variant in product.variants))
    for sku in {sku_letters(code) for code in codes} - {""}:
        fields.add_text("sku", sku)
    fields.add_text("completion", SEPARATOR.join(("sku", sku_letters(product.sku), product.sku)))
    fields.add_text("completion", SEPARATOR.join(("name", fold_text(product.name), product.name)))


def _add_numbers(fields: tantivy.Document, document: CatalogueDocument) -> None:
    product = document.product
    price, full = product.price.minor, (product.list_price or product.price).minor
    fields.add_unsigned("price", max(charged_price(product).minor, 0))
    fields.add_unsigned("discount", max(0, full - price) * 10_000 // full if full > 0 else 0)
    fields.add_unsigned("created", max(document.created or 0, 0))
    fields.add_unsigned("sold", max(document.sold or 0, 0))
    fields.add_float("rating", document.rating or product.rating or 0.0)
    fields.add_float("quality", _quality(document))


def _quality(document: CatalogueDocument) -> float:
    """By what the score of words is multiplied: stock, then sales and reviews, damped; a trace of the key last."""
    stock = 1.0 if document.product.in_stock else 0.4
    sales = min(0.3, 0.1 * math.log10(1 + max(document.sold or 0, 0)))
    product = document.product
    rating, reviews = document.rating or product.rating or 0.0, document.reviews or product.reviews or 0
    opinions = 0.02 * rating * min(1.0, reviews / 5)
    trace = int.from_bytes(hashlib.blake2b(document.key.encode(), digest_size=2).digest()) / 65_536
    return stock * (1 + sales + opinions + trace * 1e-4)


def _heads(document: CatalogueDocument) -> Iterator[str]:
    """The words that say what kind of thing it is: those of its name and of the categories that list it themselves.

    Categories above those say less: a preserving jar somewhere below "Pickles" is none.
    """
    for text in (document.product.name, *(category.name for category in document.categories if category.direct)):
        if (head := head_word(text)) is not None:
            yield head


def _conditions(document: CatalogueDocument) -> Iterator[str]:
    """What the product can be filtered by, but attributes."""
    product = document.product
    if document.listed:
        yield LISTED
    if document.searchable:
        yield SEARCHABLE
    if product.in_stock:
        yield IN_STOCK
    if product.list_price is not None and product.list_price.minor > product.price.minor:
        yield ON_SALE
    for category in document.categories:
        yield category_term(category.id)


def _absence_terms(document: CatalogueDocument, stem: Stem) -> Iterator[str]:
    """What its name and description say that it has not."""
    for text in (document.product.name, document.product.description[:MAX_INDEXED_CHARS]):
        yield from map(absence_term, map(stem, stated_absences(text)))


def _attribute_terms(document: CatalogueDocument) -> Iterator[str]:
    """Values of the product as a whole, and those that its variants have together."""
    product = document.product
    axes = {attribute.label: attribute.code for attribute in document.attributes if attribute.axis and product.variants}
    for attribute in document.attributes:
        if attribute.label not in axes:
            for value in attribute.values:
                yield plain_term(attribute_term(attribute.code, value))
    for variant in product.variants:
        values = [attribute_term(axes[label], value) for label, value in variant.options.items() if label in axes]
        for size in range(1, min(len(values), MAX_JOINT_AXES) + 1):
            for chosen in combinations(values, size):
                yield joint_term(chosen, in_stock=False)
                if variant.in_stock:
                    yield joint_term(chosen, in_stock=True)
