"""What is made of a cached value is made once, and is no part of it."""

import msgspec
from msgspec.structs import replace

from storefront_mcp.commerce.catalogue_value import CatalogueValue


class Thing(CatalogueValue, frozen=True, kw_only=True):
    name: str


def test_what_is_made_of_a_value_is_made_once_for_a_key() -> None:
    made: list[str] = []

    def make(of: str) -> list[str]:
        made.append(of)
        return [of]

    thing = Thing(name="a")
    first = thing.derived(("key", 1), lambda: make("one"))
    assert thing.derived(("key", 1), lambda: make("again")) is first
    assert thing.derived(("key", 2), lambda: make("two")) == ["two"]
    # Only the last is kept, so that strangers cannot make a value grow.
    assert thing.derived(("key", 1), lambda: make("three")) == ["three"]
    assert made == ["one", "two", "three"]


def test_what_was_made_of_a_value_is_neither_compared_nor_encoded_nor_copied() -> None:
    thing, other = Thing(name="a"), Thing(name="a")
    thing.derived(None, lambda: "made")

    assert thing == other
    assert hash(thing) == hash(other)
    assert msgspec.json.encode(thing) == msgspec.json.encode(other) == b'{"name":"a"}'
    assert msgspec.msgpack.encode(thing) == msgspec.msgpack.encode(other)
    assert replace(thing, stale=True).derived(None, lambda: "made anew") == "made anew"
