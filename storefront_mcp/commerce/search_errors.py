"""What can be wrong with a search itself."""

from collections.abc import Sequence
from typing import Final

from storefront_mcp.commerce.errors import ShopError

MAX_LISTED: Final = 20
"""Names of what exists that one error lists."""


class FilterRefused(ShopError):
    """A filter or order that there is not, with those that there are."""

    code = "invalid_filter"

    def __init__(self, asked: str, existing: Sequence[str]) -> None:
        listed = ", ".join(existing[:MAX_LISTED])
        rest = f" Use one of: {listed}." if listed else " This shop can only be searched by words, category and price."
        super().__init__(f"There is no {asked[:60]!r} to filter or sort by here.{rest}")
