"""Arguments without the characters that nobody sees: they would reach the shop, its parcels and its mails."""

import re
from typing import Any, Final

from storefront_mcp.commerce.plain_text import visible_text

UNSURE_TEXT: Final = re.compile(rb"[\\\x7f-\xff]")
"""In all JSON that holds other than printable ASCII: as it is, or escaped."""


def visible_values(value: Any) -> Any:  # noqa: ANN401 -- JSON in, JSON out
    """Decoded JSON with only visible text in its names and values. Raises RecursionError."""
    if isinstance(value, str):
        return visible_text(value)
    if isinstance(value, list):
        return [visible_values(member) for member in value]
    if isinstance(value, dict):
        return {visible_text(name): visible_values(member) for name, member in value.items()}
    return value
