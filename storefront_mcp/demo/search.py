"""Find products: SQLite with FTS5, in memory, one connection per shop."""

import re
import sqlite3
import weakref
from collections.abc import Collection
from typing import Final

from msgspec import Struct

from storefront_mcp.demo.catalogue.model import Catalogue, Product

SORTS: Final = {
    "name": "shelf.name",
    "price": "shelf.cents",
    "special_price": "shelf.special",
    "created_at": "shelf.id",
    "updated_at": "shelf.id",
    "position": "shelf.id",
    "sku": "shelf.sku",
    "entity_id": "shelf.id",
}
"""What a caller may sort by, in the order the error message lists it, and the column behind it."""

_TABLES = """
CREATE TABLE shelf (id INTEGER PRIMARY KEY, sku TEXT, name TEXT COLLATE NOCASE, cents INTEGER, special INTEGER,
                    in_stock INTEGER);
CREATE TABLE placed (product INTEGER, category INTEGER, PRIMARY KEY (category, product)) WITHOUT ROWID;
CREATE TABLE trait (product INTEGER, code TEXT, value INTEGER, PRIMARY KEY (code, value, product)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (name, sku, description, category, kind,
                                       tokenize = "porter unicode61 remove_diacritics 2");
"""
_TAG = re.compile(r"<[^>]*>")
_RANK = "bm25(words, 10.0, 8.0, 1.0, 3.0, 12.0)"
"""A word in the name weighs ten times one in the description."""
_NAMED = "shelf.id IN (SELECT rowid FROM words WHERE words MATCH ?)"
"""Every word is in the name, or says what kind of thing it is: such a product comes before the rest."""
_KINDS: Final = {"jar": "pickle", **{art: art for art in ("paddle", "ball", "net", "bag", "mug", "book", "sock")}}
"""What a thing is, by its picture: who asks for a paddle wants paddles before paddle covers."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A question to the shelves; prices are minor units of the shown currency, of which an AUD cent buys `rate`."""

    text: str = ""
    category: int | None = None
    price_min: int | None = None
    price_max: int | None = None
    rate: float = 1.0
    traits: tuple[tuple[str, tuple[int, ...]], ...] = ()
    sort: str | None = None
    descending: bool = False


def match_expression(text: str) -> str:
    """FTS5's question for a text: every word must match, each as a prefix; empty when the text has no word."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    words = [word.replace('"', '""') for word in printable.split() if any(letter.isalnum() for letter in word)]
    return " ".join(f'"{word}"*' for word in words)


def _labels(catalogue: Catalogue, product: Product) -> list[str]:
    """What it comes in, so that "blue tee" and "beginner paddle" find something: the labels of all its attributes."""
    carriers = [catalogue.products[child] for child in product.variants] or [product]
    pairs = sorted({pair for carrier in carriers for pair in carrier.attributes.items()})
    return [catalogue.attributes[code].label_of(value) for code, value in pairs]


class Shelves:
    """What is visible and for sale, indexed."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Index every product that is not a variant; nothing is in stock until `mark` says so."""
        self._rows = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, self._rows.close)
        self._rows.executescript(_TABLES)
        visible = [product for product in catalogue.products.values() if product.parent is None]
        self._rows.executemany(
            "INSERT INTO shelf VALUES (?, ?, ?, ?, ?, 0)",
            [(p.id, p.sku, p.name, p.price, p.price if p.sale_cents else None) for p in visible],
        )
        for product in visible:
            self._place(catalogue, product)

    def _place(self, catalogue: Catalogue, product: Product) -> None:
        ancestors = {int(part) for leaf in product.categories for part in catalogue.categories[leaf].path.split("/")}
        self._rows.executemany("INSERT INTO placed VALUES (?, ?)", [(product.id, at) for at in sorted(ancestors)])
        traits = [(product.id, code, value) for code, value in product.attributes.items()]
        self._rows.executemany("INSERT INTO trait VALUES (?, ?, ?)", traits)
        names = " ".join(catalogue.categories[at].name for at in sorted(ancestors) if at in catalogue.categories)
        text = f"{_TAG.sub(' ', product.description)} {' '.join(_labels(catalogue, product))}"
        self._rows.execute(
            "INSERT INTO words (rowid, name, sku, description, category, kind) VALUES (?, ?, ?, ?, ?, ?)",
            (product.id, product.name, product.sku, text, names, _KINDS.get(product.art, "")),
        )

    def mark(self, product: int, *, in_stock: bool) -> None:
        """Say whether a product can be bought: lists show only what can."""
        self._rows.execute("UPDATE shelf SET in_stock = ? WHERE id = ?", (in_stock, product))

    def listed(self, category: int) -> Collection[int]:
        """The ids of what a category and everything below it shows."""
        found = self._rows.execute(
            "SELECT id FROM placed JOIN shelf ON id = product WHERE category = ? AND in_stock", (category,)
        )
        return [row[0] for row in found]

    def find(self, wanted: Wanted, *, offset: int, limit: int) -> list[int]:
        """One page of ids in the wanted order; without one, a text is answered best match first, the rest by name."""
        condition, values, expression = self._where(wanted)
        direction = "DESC" if wanted.descending else "ASC"
        if wanted.sort is not None:
            order = f"{SORTS[wanted.sort]} {direction}, shelf.id"
        elif expression:
            order = f"shelf.sku = ? COLLATE NOCASE DESC, {_NAMED} DESC, {_RANK}, shelf.id"
            values += [wanted.text.strip(), f"{{name kind}} : ({expression})"]
        else:
            order = f"shelf.name {direction}, shelf.id"
        statement = f"SELECT shelf.id {condition} ORDER BY {order} LIMIT ? OFFSET ?"
        return [row[0] for row in self._rows.execute(statement, [*values, limit, offset])]

    def count(self, wanted: Wanted) -> int:
        """How many there are on all pages."""
        condition, values, _ = self._where(wanted)
        return int(self._rows.execute(f"SELECT count(*) {condition}", values).fetchone()[0])

    @staticmethod
    def _where(wanted: Wanted) -> tuple[str, list[str | int | float], str]:
        expression = match_expression(wanted.text)
        source, clauses = "FROM shelf", ["shelf.in_stock"]
        values: list[str | int | float] = []
        if expression:
            source += " JOIN words ON words.rowid = shelf.id"
            clauses.append("words MATCH ?")
            values.append(expression)
        elif wanted.text.strip():
            clauses.append("0")  # a text without a word in it, such as "!!", matches nothing
        elif wanted.category is not None:
            clauses.append("shelf.id IN (SELECT product FROM placed WHERE category = ?)")
            values.append(wanted.category)
        for bound, sign in ((wanted.price_min, ">="), (wanted.price_max, "<=")):
            if bound is not None:
                clauses.append(f"CAST(round(shelf.cents * ?) AS INTEGER) {sign} ?")
                values += [wanted.rate, bound]
        for code, options in wanted.traits:
            marks = ", ".join("?" * len(options))
            clauses.append(f"shelf.id IN (SELECT product FROM trait WHERE code = ? AND value IN ({marks}))")  # noqa: S608
            values += [code, *options]
        return f"{source} WHERE {' AND '.join(clauses)}", values, expression
