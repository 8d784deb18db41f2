"""What was seen to be different in shops' catalogues, and `CatalogueChanges`, the port of its storage.

Whoever sees it appends: an operator, a webhook, a tool that met another price. Whoever keeps copies reads on from
the number that it has seen: caches forget, mirrors read anew.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from msgspec import Struct

from storefront_mcp.commerce.ids import StoreId

EVERYTHING: Final = ""
"""In the place of a SKU: the whole catalogue of the store."""
MAX_NAME_CHARS: Final = 200
"""Of a SKU, url key or key; a longer one is nothing that a shop has."""


class CatalogueChange(Struct, frozen=True, kw_only=True):
    """Something that is another than before. What it is now, only the shop says."""

    number: int
    """It grows; numbers may be skipped."""
    store: StoreId
    name: str
    """A SKU, url key or the shop's own key of a product, or EVERYTHING."""
    at: float
    """Unix seconds."""


class CatalogueChanges(Protocol):
    """Storage of the last hours' changes, shared by all processes. Methods block."""

    def append(self, store: StoreId, names: Iterable[str], *, now: float) -> None:
        """Tell that these are different."""

    def last(self) -> int:
        """The number of the newest change; 0 before the first."""

    def list_after(self, number: int, *, store: StoreId | None = None, limit: int) -> Sequence[CatalogueChange]:
        """Changes after this number, of one store or of all, oldest first."""
