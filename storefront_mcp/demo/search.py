"""Product search and filters: SQLite with FTS5, in memory, one connection per shop."""

import re
import sqlite3
import weakref
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from storefront_mcp.demo.catalogue.model import DemoCatalogue, DemoProduct

SORT_COLUMNS: Final = {
    "name": "product.name",
    "price": "product.cents",
    "special_price": "product.special",
    "created_at": "product.id",
    "updated_at": "product.id",
    "position": "product.id",
    "sku": "product.sku",
    "entity_id": "product.id",
}
"""`sortBy` to its column, in the order of the error message."""

_TABLES = """
CREATE TABLE product (id INTEGER PRIMARY KEY, sku TEXT, name TEXT COLLATE NOCASE, cents INTEGER, special INTEGER,
                      in_stock INTEGER);
CREATE TABLE placement (product INTEGER, category INTEGER, PRIMARY KEY (category, product)) WITHOUT ROWID;
CREATE TABLE attribute (product INTEGER, code TEXT, value INTEGER, PRIMARY KEY (code, value, product)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (name, sku, description, category, kind,
                                       tokenize = "porter unicode61 remove_diacritics 2");
"""
_TAG = re.compile(r"<[^<>]*>")
_RANK = "bm25(words, 10.0, 8.0, 1.0, 3.0, 12.0)"
"""BM25 with column weights: a word in the name weighs ten times one in the description."""
_NAMED = "product.id IN (SELECT rowid FROM words WHERE words MATCH ?)"
"""Products with every word in name or kind, which rank first."""
_KINDS: Final = {"jar": "pickle", **{art: art for art in ("paddle", "ball", "net", "bag", "mug", "book", "sock")}}
"""Kind of product by its picture, so that "paddle" finds paddles before paddle covers."""


def _words(catalogue: DemoCatalogue, product: DemoProduct) -> tuple[int, str, str, str, str, str]:
    """A row of `words`; labels of all its attributes are in it, so that "blue tee" and "beginner paddle" match."""
    values = {pair for carrier in catalogue.carriers(product) for pair in carrier.attributes.items()}
    labels = [catalogue.attributes[code].label_of(value) for code, value in sorted(values)]
    text = " ".join([_TAG.sub(" ", product.description), *labels])
    ancestors = [
        catalogue.categories[number] for number in catalogue.ancestors(product) if number in catalogue.categories
    ]
    names = " ".join(category.name for category in ancestors)
    return product.id, product.name, product.sku, text, names, _KINDS.get(product.art, "")


class ProductQuery(Struct, frozen=True, kw_only=True):
    """A product search; prices are minor units of the shown currency, `rate` of them an AUD cent."""

    text: str = ""
    category: int | None = None
    """Ignored when there is a text."""
    price_min: int | None = None
    price_max: int | None = None
    rate: float = 1.0
    attributes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Attribute code and the value ids of which one must match."""
    sort: str | None = None
    descending: bool = False


def fts_query(text: str) -> str:
    """The FTS5 query for a text: every word must match, each as a prefix; empty when the text has no word."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    words = [word.replace('"', '""') for word in printable.split() if any(letter.isalnum() for letter in word)]
    return " ".join(f'"{word}"*' for word in words)


class ProductIndex:
    """Full-text index of the visible products."""

    def __init__(self, catalogue: DemoCatalogue, in_stock: Callable[[DemoProduct], bool]) -> None:
        """Index every product that is not a variant."""
        self._rows = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, self._rows.close)
        self._rows.executescript(_TABLES)
        visible = [product for product in catalogue.products.values() if product.parent is None]
        self._rows.executemany(
            "INSERT INTO product VALUES (?, ?, ?, ?, ?, ?)",
            [(p.id, p.sku, p.name, p.price, p.price if p.sale_cents else None, in_stock(p)) for p in visible],
        )
        self._rows.executemany(
            "INSERT INTO placement VALUES (?, ?)",
            [(product.id, category) for product in visible for category in catalogue.ancestors(product)],
        )
        self._rows.executemany(
            "INSERT INTO attribute VALUES (?, ?, ?)",
            [(product.id, code, value) for product in visible for code, value in product.attributes.items()],
        )
        self._rows.executemany(
            "INSERT INTO words (rowid, name, sku, description, category, kind) VALUES (?, ?, ?, ?, ?, ?)",
            [_words(catalogue, product) for product in visible],
        )

    def mark(self, product: int, *, in_stock: bool) -> None:
        """Set whether a product is in stock; lists omit those that are not."""
        self._rows.execute("UPDATE product SET in_stock = ? WHERE id = ?", (in_stock, product))

    def list_products(self, category: int) -> list[int]:
        """The ids of the products in a category and below it."""
        found = self._rows.execute(
            "SELECT id FROM product JOIN placement ON product = id WHERE category = ? AND in_stock", (category,)
        )
        return [row[0] for row in found]

    def find(self, query: ProductQuery, *, offset: int, limit: int) -> list[int]:
        """One page of ids, in the order of the query; by default best match first for a text, else by name."""
        condition, values, expression = self._where(query)
        direction = "DESC" if query.descending else "ASC"
        if query.sort is not None:
            order = f"{SORT_COLUMNS[query.sort]} {direction}, product.id"
        elif expression:
            order = f"product.sku = ? COLLATE NOCASE DESC, {_NAMED} DESC, {_RANK}, product.id"
            values += [query.text.strip(), f"{{name kind}} : ({expression})"]
        else:
            order = f"product.name {direction}, product.id"
        statement = f"SELECT product.id {condition} ORDER BY {order} LIMIT ? OFFSET ?"
        return [row[0] for row in self._rows.execute(statement, [*values, limit, offset])]

    def count(self, query: ProductQuery) -> int:
        """The number of products on all pages."""
        condition, values, _ = self._where(query)
        return int(self._rows.execute(f"SELECT count(*) {condition}", values).fetchone()[0])

    @staticmethod
    def _where(query: ProductQuery) -> tuple[str, list[str | int | float], str]:
        expression = fts_query(query.text)
        source, clauses = "FROM product", ["product.in_stock"]
        values: list[str | int | float] = []
        if expression:
            source += " JOIN words ON words.rowid = product.id"
            clauses.append("words MATCH ?")
            values.append(expression)
        elif query.text.strip():
            clauses.append("0")  # a text without a word in it, such as "!!", matches nothing
        elif query.category is not None:
            clauses.append("product.id IN (SELECT product FROM placement WHERE category = ?)")
            values.append(query.category)
        for bound, sign in ((query.price_min, ">="), (query.price_max, "<=")):
            if bound is not None:
                clauses.append(f"CAST(round(product.cents * ?) AS INTEGER) {sign} ?")
                values += [query.rate, bound]
        for code, options in query.attributes:
            marks = ", ".join("?" * len(options))
            clauses.append(f"product.id IN (SELECT product FROM attribute WHERE code = ? AND value IN ({marks}))")  # noqa: S608
            values += [code, *options]
        return f"{source} WHERE {' AND '.join(clauses)}", values, expression
