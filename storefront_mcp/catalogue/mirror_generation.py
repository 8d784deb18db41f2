"""The generations of one mirror on disk: the index and its ledger, changed together."""

import logging
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.index import CatalogueIndexWriter, IndexWriteFailed
from storefront_mcp.catalogue.mirror_documents import CategoryPaths, digest_of, document_of
from storefront_mcp.catalogue.mirror_ledger import MirrorLedger, SweepProgress
from storefront_mcp.commerce.listing import CatalogueEntry

LEDGER_NAME: Final = "ledger-{:06d}.sqlite"
LEDGER_ENDS: Final = ("", "-wal", "-shm", "-journal")
SPACE_FACTOR: Final = 2.5
"""Free space that a sweep needs, in sizes of what is there already."""
MIN_FREE_BYTES: Final = 20 * 1024 * 1024
REPRICE_DELAYS_SECONDS: Final = (5.0, 330.0)
"""After a price's date: once when it holds, and once when the shop's own cache (300 s) has noticed."""

log: Final = logging.getLogger(__name__)


class MirrorStorageFailed(Exception):
    """The disk does not take or give what the mirror needs; what was committed stays."""


class MirrorGeneration:
    """One generation, open for writing. Every method raises MirrorStorageFailed, after which it is of no more use."""

    def __init__(self, number: int, writer: CatalogueIndexWriter, ledger: MirrorLedger, tree: CategoryPaths) -> None:
        self.number: Final = number
        self.tree = tree
        self.commits = 0
        """Number of the index's last commit."""
        self._writer = writer
        self._ledger = ledger
        self._dirty = False

    @property
    def ledger(self) -> MirrorLedger:
        """What it holds; to be read."""
        return self._ledger

    @property
    def progress(self) -> SweepProgress:
        """How far it has come."""
        with storage():
            return self._ledger.progress or SweepProgress(began=0.0)

    def note_progress(self, progress: SweepProgress) -> None:
        """Write how far it has come, with the next commit."""
        with storage():
            self._ledger.write_progress(progress)

    def resume(self) -> None:
        """Direct the index's writer to this generation. Raises IndexLocked besides."""
        with storage():
            self._writer.begin(self.number)

    def put(self, entries: Sequence[CatalogueEntry], *, now: float, shop_ahead: float = 0.0) -> int:
        """Take in what was just read; how many were new or different. `shop_ahead` is the shop's clock minus ours."""
        with storage():
            known = self._ledger.known([one.key for one in entries])
            changed: list[CatalogueDocument] = []
            for entry in {one.key: one for one in entries}.values():
                document = document_of(entry, self.tree)
                digest = digest_of(document)
                reprice = _next_reprice(entry.reprices, now, shop_ahead)
                before = known.get(entry.key)
                if before is not None and before.digest == digest:
                    self._ledger.touch(entry.key, seen=now, reprice=reprice)
                    continue
                changed.append(document)
                self._ledger.put(document, digest, seen=now, reprice=reprice)
            return self._put(changed)

    def put_documents(self, documents: Sequence[CatalogueDocument], *, seen: float) -> int:
        """Take over products of an earlier generation, with when they were seen."""
        with storage():
            for one in documents:
                self._ledger.put(one, digest_of(one), seen=seen, reprice=None)
            return self._put(documents)

    def _put(self, documents: Sequence[CatalogueDocument]) -> int:
        if documents:
            self._writer.put(documents)
            self._dirty = True
        return len(documents)

    def remove(self, keys: Iterable[str]) -> None:
        """Take products out."""
        gone = list(keys)
        if gone:
            with storage():
                self._writer.remove(gone)
                self._ledger.remove(gone)
                self._dirty = True

    def commit(self) -> bool:
        """Make it durable, the index first; whether readers have anything new to see."""
        with storage():
            dirty = self._dirty
            if dirty:
                self.commits = self._writer.commit()
                self._dirty = False
            self._ledger.commit()
            return dirty

    def close(self) -> None:
        """Close the ledger; what was not committed is gone."""
        self._ledger.close()


class MirrorFolder:
    """The files of one store's mirror: one shop, view, currency and language, as one release writes them."""

    def __init__(self, folder: Path, index_writer: Callable[[Path], CatalogueIndexWriter]) -> None:
        self.path: Final = folder
        self._index_writer = index_writer

    def open_writer(self) -> CatalogueIndexWriter:
        """A writer of the index. Raises MirrorStorageFailed."""
        with storage():
            self.path.mkdir(parents=True, exist_ok=True)
            return self._index_writer(self.path)

    def generations(self) -> list[int]:
        """Numbers of the generations that have a ledger, ascending."""
        numbers = (path.stem.removeprefix("ledger-") for path in self.path.glob("ledger-*.sqlite"))
        return sorted(int(one) for one in numbers if one.isdecimal())

    def generation(self, number: int, writer: CatalogueIndexWriter, tree: CategoryPaths) -> MirrorGeneration:
        """Open a generation, a new one or one that is there. Raises MirrorStorageFailed."""
        with storage():
            return MirrorGeneration(number, writer, MirrorLedger(self._ledger(number)), tree)

    def drop_ledgers(self, *, but: int | None) -> None:
        """Remove the ledgers of other generations."""
        for number in self.generations():
            if number != but:
                for end in LEDGER_ENDS:
                    path = self._ledger(number)
                    path.with_name(path.name + end).unlink(missing_ok=True)

    def bytes_used(self) -> int:
        """On disk, as files that are there now tell."""
        found = 0
        for path in self.path.rglob("*"):
            try:
                found += path.stat().st_size if path.is_file() else 0
            except OSError:
                continue
        return found

    def check_space(self) -> None:
        """Raise MirrorStorageFailed where a sweep may not find the space it needs."""
        with storage():
            free, needed = shutil.disk_usage(self.path).free, max(MIN_FREE_BYTES, SPACE_FACTOR * self.bytes_used())
        if free < needed:
            raise MirrorStorageFailed(
                f"{free // 2**20} MB are free where the mirror is, and a sweep needs {int(needed) // 2**20} MB"
            )

    def drop_other_folders(self, *, older_than: float, now: float | None = None) -> None:
        """Remove sister folders, of other settings or releases, in which nothing was written for so many seconds."""
        now = time.time() if now is None else now
        for sister in self.path.parent.iterdir():
            if sister == self.path or not sister.is_dir():
                continue
            newest = max((path.stat().st_mtime for path in (sister, *sister.rglob("*"))), default=0.0)
            if newest < now - older_than:
                log.info("%s: removed, as nothing was written there for long", sister)
                shutil.rmtree(sister, ignore_errors=True)

    def _ledger(self, number: int) -> Path:
        return self.path / LEDGER_NAME.format(number)


def carry_over(old: MirrorGeneration, new: MirrorGeneration) -> list[str]:
    """Take over what no list shows from an older generation; keys of what lists showed then and not in the new one."""
    missing: list[str] = []
    with storage():
        for key, document, seen in old.ledger.keys_without(new.ledger):
            if document is None:
                missing.append(key)
            else:
                renamed = new.tree.documents(document.product.categories)
                new.put_documents([replace(document, categories=renamed)], seen=seen)
    return missing


@contextmanager
def storage() -> Iterator[None]:
    """Raise MirrorStorageFailed for whatever the disk refuses."""
    try:
        yield
    except IndexWriteFailed as error:
        raise MirrorStorageFailed(str(error) or "the index cannot be written") from error
    except (sqlite3.Error, OSError) as error:
        raise MirrorStorageFailed(str(error)) from error


def _next_reprice(instants: Iterable[int], now: float, shop_ahead: float) -> float | None:
    """When to read a product again because of its price's dates, by our clock."""
    looks = (at - shop_ahead + delay for at in instants for delay in REPRICE_DELAYS_SECONDS)
    return min((at for at in looks if at > now), default=None)
