"""Where the generations of one store's index are: folders beside each other, and a file that names the current one."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from storefront_mcp.catalogue.tantivy_engine.schema import SCHEMA_VERSION

_CURRENT: Final = f"current-{SCHEMA_VERSION}"
_PREFIX: Final = f"index-{SCHEMA_VERSION}-"


class GenerationFolders:
    """The folders of this release's schema; those of another one are left alone, so that both can run side by side."""

    def __init__(self, root: Path) -> None:
        """In the folder of one store view, currency and language."""
        self.root = root

    def folder(self, generation: int) -> Path:
        """Of a generation, whether it exists or not."""
        return self.root / f"{_PREFIX}{generation}"

    @property
    def pointer(self) -> Path:
        """The file that names the current generation."""
        return self.root / _CURRENT

    @property
    def current(self) -> int | None:
        """The generation that is read; None before the first swap."""
        try:
            return int(self.pointer.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None

    def generations(self) -> Sequence[int]:
        """Those that have a folder, oldest first."""
        numbers = (found.name.removeprefix(_PREFIX) for found in self.root.glob(f"{_PREFIX}*"))
        return sorted(int(number) for number in numbers if number.isdecimal())

    def swap(self, generation: int) -> None:
        """Make a generation the current one, at once for all, and delete those before it but the last.

        Raises OSError.
        """
        before = self.current
        half = self.pointer.with_suffix(".half")
        with half.open("w", encoding="ascii") as file:
            file.write(f"{generation}\n")
            file.flush()
            os.fsync(file.fileno())
        half.replace(self.pointer)
        for number in self.generations():
            if number < generation and number != before:
                shutil.rmtree(self.folder(number), ignore_errors=True)
