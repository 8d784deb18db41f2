"""JSON serialisation of documents: UTF-8, two-space indent, trailing newline, deterministic."""

from typing import Final

import msgspec
from msgspec import Struct

JSON_TYPE: Final = "application/json"


def pretty_json(document: Struct) -> bytes:
    """A value as an indented JSON document."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
