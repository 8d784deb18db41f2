"""An index in memory, as odd as the real one: nothing is seen before a commit, and a failed one kills the writer."""

from collections.abc import Callable, Iterable
from pathlib import Path

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.index import IndexLocked, IndexWriteFailed


def nothing(_step: str) -> None:
    """Do nothing at a step."""


class MemoryDisk:
    """What of an index outlives its writer."""

    def __init__(self) -> None:
        self.generations: dict[int, dict[str, CatalogueDocument]] = {}
        self.current: int | None = None
        self.commits = 0
        self.puts = 0
        self.locked_by: object = None
        self.full = False
        self.step: Callable[[str], None] = nothing
        """Called before each thing that the writer does; it may raise, as a crash."""

    @property
    def shown(self) -> dict[str, CatalogueDocument]:
        """What readers see."""
        return {} if self.current is None else self.generations[self.current]

    def writer(self, folder: Path) -> "MemoryIndexWriter":
        """A writer of it."""
        assert folder.is_dir()
        return MemoryIndexWriter(self)


class MemoryIndexWriter:
    """Implements `CatalogueIndexWriter`."""

    def __init__(self, disk: MemoryDisk) -> None:
        self._disk = disk
        self._number: int | None = None
        self._pending: dict[str, CatalogueDocument | None] = {}
        self._dead = False

    @property
    def current(self) -> int | None:
        return self._disk.current

    def begin(self, generation: int) -> None:
        self._disk.step("begin")
        if self._disk.locked_by not in {None, self}:
            raise IndexLocked
        self._disk.locked_by = self
        self._number, self._pending, self._dead = generation, {}, False
        self._disk.generations.setdefault(generation, {})

    def put(self, documents: Iterable[CatalogueDocument]) -> None:
        self._alive("put")
        for one in documents:
            self._disk.puts += 1
            self._pending[one.key] = one

    def remove(self, keys: Iterable[str]) -> None:
        self._alive("remove")
        self._pending |= dict.fromkeys(keys)

    def commit(self) -> int:
        number = self._alive("commit")
        if self._disk.full:
            self._dead = True
            raise IndexWriteFailed("No space left on device (os error 28)")
        kept = self._disk.generations[number] | self._pending
        self._disk.generations[number] = {key: one for key, one in kept.items() if one is not None}
        self._pending = {}
        self._disk.commits += 1
        self._disk.step("committed")
        return self._disk.commits

    def swap(self) -> None:
        self.commit()
        number = self._alive("swap")
        self._disk.current = number
        self._disk.generations = {number: self._disk.generations[number]}
        self._disk.step("swapped")

    def close(self) -> None:
        if self._disk.locked_by is self:
            self._disk.locked_by = None
        self._number = None

    def _alive(self, name: str) -> int:
        self._disk.step(name)
        if self._number is None or self._dead:
            raise IndexWriteFailed("the writer is gone")
        return self._number
