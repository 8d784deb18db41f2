"""`CatalogueIndex` and `CatalogueIndexWriter`: the ports of a search engine that holds one store's catalogue.

A query is parsed before it comes here, so that every engine gives like answers: an engine matches stems, filters,
counts and sorts. One index is one store view, currency and language, in generations: a sweep fills a new one, and
`swap` makes it the one that is read.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.index_query import IndexQuery
from storefront_mcp.catalogue.query.lexicon import CatalogueLexicon


class IndexUnusable(Exception):
    """There is no such generation, or another release wrote it: ask the shop, or build anew."""


class IndexLocked(Exception):
    """Another process writes this store's index now."""


class IndexWriteFailed(Exception):
    """A write or commit failed, as on a full disk. What was committed is still read; the writer must begin again."""


class IndexHit(Struct, frozen=True, kw_only=True):
    """One product that matched."""

    document: CatalogueDocument
    missed: tuple[str, ...] = ()
    """Texts of the groups that it does not match."""


class IndexFacet(Struct, frozen=True, kw_only=True):
    """An attribute and how many products of the answer have each value, its own filter left aside."""

    code: str
    label: str
    values: tuple[tuple[str, int], ...]
    """Label and number of products, most first."""


class IndexResult(Struct, frozen=True, kw_only=True):
    """One page of hits."""

    hits: tuple[IndexHit, ...]
    total: int
    facets: tuple[IndexFacet, ...] = ()
    price_range: tuple[int, int] | None = None
    """Lowest and highest price of all matches, where facets were asked for."""
    apart: int = 0
    """How many of the matches are of another kind than the others, behind which they come."""


class IndexGeneration(Struct, frozen=True, kw_only=True):
    """Which state of the catalogue is read."""

    number: int
    """Of the sweep that filled it."""
    commit: int
    """Of the last change in it; it grows."""


class CatalogueIndex(Protocol):
    """The reading side: any number of processes, none of which waits for the writer. Everything returns at once."""

    @property
    def generation(self) -> IndexGeneration:
        """The state that is read."""

    @property
    def size(self) -> int:
        """Number of products in it."""

    @property
    def lexicon(self) -> CatalogueLexicon:
        """The words, filters and categories that it has."""

    def refresh(self) -> bool:
        """Read what was committed and swapped in the meantime; whether that was anything.

        Raises IndexUnusable when there is nothing to read any more.
        """

    def search(self, index_query: IndexQuery) -> IndexResult:
        """What matches, best first."""

    def find(self, sku: str) -> CatalogueDocument | None:
        """The product with this SKU or url key, its own or a variant's, whatever the case and punctuation."""

    def documents(self) -> Iterator[CatalogueDocument]:
        """Every product by its key, as of the last refresh; some hundred are in memory at a time."""

    def suggest(self, typed: str, *, limit: int = 10) -> Sequence[str]:
        """Words of the catalogue that begin like this, commonest first."""

    def suggest_skus(self, typed: str, *, limit: int = 10) -> Sequence[str]:
        """SKUs of products that begin like this."""

    def similar(self, document: CatalogueDocument, *, limit: int = 10) -> Sequence[CatalogueDocument]:
        """What is like it, from the index alone; never itself."""


class CatalogueIndexWriter(Protocol):
    """The writing side: one process per store. Calls block and are meant for a process of their own.

    Nothing is seen by readers before `commit`, nor before `swap` in a generation that is not the current one.
    """

    @property
    def current(self) -> int | None:
        """The generation that is read; None before the first swap."""

    def begin(self, generation: int) -> None:
        """Write into this generation from here on: a new one, an unfinished one, or the current one.

        Raises IndexLocked, IndexWriteFailed.
        """

    def put(self, documents: Iterable[CatalogueDocument]) -> None:
        """Add products, each in place of what its key had. Raises IndexWriteFailed."""

    def remove(self, keys: Iterable[str]) -> None:
        """Take products out; unknown keys do nothing. Raises IndexWriteFailed."""

    def commit(self) -> int:
        """Make durable what was put and removed; the new commit's number. Raises IndexWriteFailed."""

    def swap(self) -> None:
        """Make the generation that was begun the current one, and forget those before it, after a commit of its own.

        Readers that still hold an older one go on with it until they refresh. Raises IndexWriteFailed.
        """

    def close(self) -> None:
        """Give up the lock, without a commit."""


class CatalogueMirror(Protocol):
    """A store's mirror, as whoever answers agents sees it."""

    @property
    def index(self) -> CatalogueIndex | None:
        """What may be asked now; None while it is not whole, is too old or cannot be read: then the shop is asked."""

    @property
    def as_of(self) -> datetime:
        """When the shop was last known to agree with it, UTC."""

    @property
    def stale(self) -> bool:
        """Whether that is longer ago than the operator allows."""

    async def wait_until_ready(self) -> None:
        """Return once `index` may be asked, or at once where that will not be within a moment."""

    def request(self, keys: Iterable[str]) -> None:
        """Have products read anew soon, by SKU or key, since something else was seen of them. Never waits."""
