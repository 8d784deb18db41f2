"""`TantivyIndexWriter`: the writing side of an index on disk."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import tantivy

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.index import IndexLocked, IndexWriteFailed
from storefront_mcp.catalogue.query.language import stemming_of
from storefront_mcp.catalogue.tantivy_engine.folders import GenerationFolders
from storefront_mcp.catalogue.tantivy_engine.schema import index_document, index_schema, snowball_stem

HEAP_BYTES: Final = 30_000_000
"""Memory for documents that are not on disk yet; tantivy asks for at least 15 MB."""


class TantivyIndexWriter:
    """Writes one generation at a time. Its calls block, and hold the interpreter's lock while documents are added."""

    def __init__(self, root: Path, *, locale: str) -> None:
        """For the folder of one store view, currency and language."""
        self._folders = GenerationFolders(root)
        self._stem = stemming_of(locale.partition("-")[0].partition("_")[0].lower(), snowball_stem(locale))
        self._lock: int | None = None
        self._generation: int | None = None
        self._writer: tantivy.IndexWriter | None = None

    @property
    def current(self) -> int | None:
        """The generation that is read; None before the first swap."""
        return self._folders.current

    def begin(self, generation: int) -> None:
        """Write into this generation from here on. Raises IndexLocked, IndexWriteFailed."""
        self._release()
        with _failures():
            folder = self._folders.folder(generation)
            folder.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            index = tantivy.Index(index_schema(), path=str(folder))
            self._writer = index.writer(heap_size=HEAP_BYTES, num_threads=1)
        self._generation = generation

    def put(self, documents: Iterable[CatalogueDocument]) -> None:
        """Add products, each in place of what its key had. Raises IndexWriteFailed."""
        writer = self._open_writer()
        for document in documents:
            fields = index_document(document, self._stem)
            with _failures():
                writer.delete_documents_by_term("key", document.key)
                writer.add_document(fields)

    def remove(self, keys: Iterable[str]) -> None:
        """Take products out; unknown keys do nothing. Raises IndexWriteFailed."""
        writer = self._open_writer()
        with _failures():
            for key in keys:
                writer.delete_documents_by_term("key", key)

    def commit(self) -> int:
        """Make durable what was put and removed; the new commit's number. Raises IndexWriteFailed."""
        writer = self._open_writer()
        with _failures():
            return writer.commit()

    def swap(self) -> None:
        """Make the generation that was begun the current one, after a commit of its own. Raises IndexWriteFailed."""
        self.commit()
        with _failures():
            self._folders.swap(self._generation or 0)

    def close(self) -> None:
        """Give up the lock, without a commit."""
        self._release()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _open_writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            message = "no generation was begun"
            raise IndexWriteFailed(message)
        return self._writer

    def _release(self) -> None:
        """Let the engine's own writer go, with what it did not commit."""
        writer, self._writer, self._generation = self._writer, None, None
        if writer is not None:
            with suppress(ValueError, OSError):
                writer.rollback()

    def _take_lock(self) -> None:
        """One writer for all generations: a lock of the operating system, which no dead process holds."""
        if self._lock is not None:
            return
        lock = os.open(self._folders.root / "writer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise IndexLocked from None
        self._lock = lock


@contextmanager
def _failures() -> Iterator[None]:
    """What the engine or the disk refuses, as IndexWriteFailed; the engine says everything by ValueError."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise IndexWriteFailed(str(error)) from error
