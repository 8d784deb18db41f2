"""What is derived from a cached value is kept with it, and is no part of it."""

import msgspec
from msgspec.structs import replace

from storefront_mcp.commerce.catalogue_value import CatalogueValue


class Thing(CatalogueValue, frozen=True, kw_only=True):
    name: str


def test_what_was_derived_last_is_recalled_by_its_key() -> None:
    thing = Thing(name="a")
    assert thing.recall(("key", 1)) is None
    first = thing.keep(("key", 1), ["one"])

    assert thing.recall(("key", 1)) is first
    assert thing.recall(("key", 2)) is None
    # Only the last is kept, so that strangers cannot make a value grow.
    thing.keep(("key", 2), ["two"])
    assert thing.recall(("key", 1)) is None


def test_what_is_kept_with_a_value_is_neither_compared_nor_encoded_nor_copied() -> None:
    thing, other = Thing(name="a"), Thing(name="a")
    thing.keep(None, "derived")

    assert thing == other
    assert hash(thing) == hash(other)
    assert msgspec.json.encode(thing) == msgspec.json.encode(other) == b'{"name":"a"}'
    assert msgspec.msgpack.encode(thing) == msgspec.msgpack.encode(other)
    assert replace(thing, stale=True).recall(None) is None
