"""How a JSON document is written: UTF-8, two spaces, one newline at the end, the same bytes for the same facts."""

from typing import Final

import msgspec
from msgspec import Struct

JSON: Final = "application/json"


def pretty(document: Struct) -> bytes:
    """The bytes of a document, readable by people who open it in a browser."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
