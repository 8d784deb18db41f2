"""`ScratchCartLedger`, the port of where carts of nobody's are noted while something of a buyer is on them.

A dry run is priced on such a cart, which is cleared once the answer is out. Where the process ends before that, whoever
comes next finds it here.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from storefront_mcp.commerce.ids import CartId


class ScratchCartNote(Struct, frozen=True, kw_only=True):
    """A cart of nobody's in a shop that may hold a buyer's address."""

    cart: CartId
    country: str
    """Of that address, ISO 3166-1 alpha-2: the address that overwrites it has to be somewhere, too."""


class ScratchCartLedger(Protocol):
    """Storage of one store's scratch carts, shared by all processes. Nothing is raised: what cannot be noted is not."""

    async def note(self, note: ScratchCartNote) -> bool:
        """Put it on record before the cart gets anything; whether that is done."""

    async def forget(self, cart: CartId) -> None:
        """It is empty, or gone."""

    async def list_left(self) -> Sequence[ScratchCartNote]:
        """Those that were noted so long ago that nobody prices anything on them now."""
