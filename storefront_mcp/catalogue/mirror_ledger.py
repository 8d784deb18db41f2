"""The ledger of one generation of a mirror: what of the shop is in the index, and how far its sweep has come.

A SQLite file beside the index, written by the one writer. It is committed after the index: what it knows is there.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.mirror_documents import digest_of
from storefront_mcp.commerce.listing import BriefEntry

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS progress (body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, digest BLOB NOT NULL, brief BLOB NOT NULL,
    expected INTEGER NOT NULL, family INTEGER NOT NULL, read REAL NOT NULL, seen REAL NOT NULL, reprice REAL,
    document BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (name INTEGER, key TEXT, PRIMARY KEY (name, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS names_by_key ON names (key);
CREATE INDEX IF NOT EXISTS entries_by_seen ON entries (expected, seen);
CREATE INDEX IF NOT EXISTS entries_by_read ON entries (read) WHERE expected = 0 OR family = 1;
CREATE INDEX IF NOT EXISTS entries_by_reprice ON entries (reprice) WHERE reprice IS NOT NULL;
"""
MAX_PARAMETERS: Final = 500
"""Values of one statement; SQLite's own bound has been 999."""

_document: Final = msgspec.msgpack.Decoder(CatalogueDocument)


class SweepProgress(Struct, frozen=True, kw_only=True):
    """How far a generation has come. Times are Unix seconds by our clock, but for the watermark."""

    began: float
    position: str | None = None
    """Where the next page begins; None at the beginning, and when every page was read."""
    paged: bool = False
    """Whether every page was read."""
    read: int = 0
    total: int = 0
    moved: bool = False
    """Whether the shop's total changed meanwhile, so that pages may have shifted past products."""
    unreadable: tuple[str, ...] = ()
    """Keys of products that cannot be read, as far as they have one."""
    unreadable_count: int = 0
    unsold_count: int = 0
    """Products that guests cannot buy here."""
    watermark: float = 0.0
    """Changes are asked for from then on, by the shop's clock."""
    as_of: float = 0.0
    """When it was complete, and the shop was asked for changes a last time."""
    complete: bool = False
    """Whether it may be read."""
    shrunk_to: int | None = None
    """Products that a later sweep found, when they were so few that it was not believed."""


class KnownEntry(Struct, frozen=True):
    """What is known of a product in the index."""

    digest: bytes
    brief: bytes
    """Digest of what the short list should say, or said last."""


class MirrorLedger:
    """One generation's ledger. Raises sqlite3.Error; nothing is durable before `commit`."""

    def __init__(self, path: Path) -> None:
        self._rows = sqlite3.connect(path, isolation_level=None)
        try:
            self._rows.execute("PRAGMA journal_mode = WAL")
            self._rows.execute("PRAGMA synchronous = NORMAL")
            self._rows.executescript(_TABLES)
            self._rows.execute("BEGIN")
        except BaseException:
            self._rows.close()
            raise

    def close(self) -> None:
        """Close it; what was not committed is gone."""
        self._rows.close()

    def commit(self) -> None:
        """Make durable what was written."""
        self._rows.execute("COMMIT")
        self._rows.execute("BEGIN")

    def compact(self) -> None:
        """Empty the write-ahead log into the file, after a commit."""
        self._rows.execute("COMMIT")
        self._rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._rows.execute("BEGIN")

    @property
    def progress(self) -> SweepProgress | None:
        """As last written; None in a new ledger."""
        row = self._rows.execute("SELECT body FROM progress").fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=SweepProgress)

    def write_progress(self, progress: SweepProgress) -> None:
        """Write how far it has come."""
        self._rows.execute("DELETE FROM progress")
        self._rows.execute("INSERT INTO progress VALUES (?)", (msgspec.json.encode(progress),))

    @property
    def count(self) -> int:
        """Number of products."""
        return int(self._rows.execute("SELECT count(*) FROM entries").fetchone()[0])

    def known(self, keys: Sequence[str]) -> dict[str, KnownEntry]:
        """What is known of these products; unknown keys are left out."""
        found: dict[str, KnownEntry] = {}
        for start in range(0, len(keys), MAX_PARAMETERS):
            part = keys[start : start + MAX_PARAMETERS]
            marks = ", ".join("?" * len(part))
            rows = self._rows.execute(f"SELECT key, digest, brief FROM entries WHERE key IN ({marks})", part)  # noqa: S608
            found |= {key: KnownEntry(digest, brief) for key, digest, brief in rows}
        return found

    def put(self, document: CatalogueDocument, digest: bytes, *, seen: float, reprice: float | None) -> None:
        """Note a product that was put into the index.

        One that short lists leave out is kept whole, since the next sweep will not find it.
        """
        expected = document.listed and document.product.in_stock
        body = None if expected else zlib.compress(msgspec.msgpack.encode(document))
        self._rows.execute(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                document.key,
                digest,
                digest_of(_brief(document)),
                expected,
                bool(document.product.variants),
                seen,
                seen,
                reprice,
                body,
            ),
        )
        self._rows.execute("DELETE FROM names WHERE key = ?", (document.key,))
        self._rows.executemany(
            "INSERT OR IGNORE INTO names VALUES (?, ?)", [(_number(name), document.key) for name in _names(document)]
        )

    def touch(self, key: str, *, seen: float, reprice: float | None) -> None:
        """Note that a product was read and is the same."""
        self._rows.execute(
            "UPDATE entries SET seen = ?, read = ?, reprice = ? WHERE key = ?", (seen, seen, reprice, key)
        )

    def note_briefs(self, briefs: Iterable[BriefEntry], *, seen: float) -> None:
        """Note what the short list says of known products."""
        self._rows.executemany(
            "UPDATE entries SET seen = ?, brief = ? WHERE key = ?",
            [(seen, digest_of(one), one.key) for one in briefs],
        )

    def remove(self, keys: Iterable[str]) -> None:
        """Forget products."""
        gone = [(key,) for key in keys]
        self._rows.executemany("DELETE FROM entries WHERE key = ?", gone)
        self._rows.executemany("DELETE FROM names WHERE key = ?", gone)

    def keys_of(self, name: str) -> list[str]:
        """Keys of the products with this SKU, url key, variant's SKU or key."""
        rows = self._rows.execute("SELECT key FROM names WHERE name = ?", (_number(name),)).fetchall()
        return [key for (key,) in rows]

    def find_vanished(self, since: float) -> list[str]:
        """Keys of products that short lists should show, and that nobody has seen since."""
        rows = self._rows.execute("SELECT key FROM entries WHERE expected = 1 AND seen < ? ORDER BY key", (since,))
        return [key for (key,) in rows]

    def expected_count(self) -> int:
        """Number of products that short lists should show."""
        return int(self._rows.execute("SELECT count(*) FROM entries WHERE expected = 1").fetchone()[0])

    def find_unwatched(self, before: float, limit: int) -> list[str]:
        """Keys of products of which short lists tell too little, and that were read before, the longest ago first.

        They tell nothing of what is sold out, nor of the stock of single variants.
        """
        rows = self._rows.execute(
            "SELECT key FROM entries WHERE (expected = 0 OR family = 1) AND read < ? ORDER BY read LIMIT ?",
            (before, limit),
        )
        return [key for (key,) in rows]

    def due_reprices(self, now: float) -> list[str]:
        """Keys of products whose price has changed by date and that were not read since."""
        return [key for (key,) in self._rows.execute("SELECT key FROM entries WHERE reprice <= ?", (now,))]

    def keys_without(self, other: "MirrorLedger") -> Iterator[tuple[str, CatalogueDocument | None, float]]:
        """Products of this ledger that another one lacks: key, the whole product where it is kept, and when seen."""
        rows = self._rows.execute("SELECT key, document, seen FROM entries ORDER BY key").fetchall()
        for start in range(0, len(rows), MAX_PARAMETERS):
            part = rows[start : start + MAX_PARAMETERS]
            there = other.known([key for key, _, _ in part])
            for key, body, seen in part:
                if key not in there:
                    yield key, None if body is None else _document.decode(zlib.decompress(body)), seen


def _brief(document: CatalogueDocument) -> BriefEntry:
    product = document.product
    return BriefEntry(
        key=document.key,
        sku=product.sku,
        price=product.price,
        list_price=product.list_price,
        in_stock=product.in_stock,
    )


def _names(document: CatalogueDocument) -> Iterator[str]:
    product = document.product
    yield document.key
    yield product.sku
    if product.url_key:
        yield product.url_key
    for variant in product.variants:
        yield variant.sku


def _number(name: str) -> int:
    """A name in 63 bits, whatever its case: two that share them cost a read too many."""
    return int.from_bytes(blake2b(name.casefold().encode("utf-8", "replace"), digest_size=8).digest()) >> 1
