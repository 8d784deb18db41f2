"""`server.json` obeys the registry's schema of 2025-12-11 and its rules for publishing, whatever the store is."""

import json
import re

import pytest
from msgspec.structs import replace

from storefront_mcp.cards.registry_entry import ICON_TYPES, registry_entry
from storefront_mcp.commerce.store import Store
from tests.unit.cards.states import PICKLE, STATES, STORES, roadmap

KNOWN = {"$schema", "name", "title", "description", "version", "websiteUrl", "icons", "remotes"}


@pytest.mark.parametrize("store", STORES.values(), ids=STORES)
@pytest.mark.parametrize("state", STATES)
def test_an_entry_is_what_the_registry_takes(store: Store, state: str) -> None:
    entry = json.loads(registry_entry(store, roadmap(state)))

    assert set(entry) <= KNOWN
    assert entry["$schema"] == "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    assert 3 <= len(entry["name"]) <= 200
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"])
    assert 1 <= len(entry["title"]) <= 100
    assert 1 <= len(entry["description"]) <= 100
    assert 1 <= len(entry["version"]) <= 255
    assert not re.search(r"[~^*<>=]", entry["version"]), "a range is no version"
    assert re.match(r"https?://", entry["websiteUrl"])
    for remote in entry["remotes"]:
        assert set(remote) == {"type", "url"}
        assert remote["type"] in {"streamable-http", "sse"}
        assert re.fullmatch(r"https?://\S+", remote["url"])
    for icon in entry.get("icons", ()):
        assert icon["mimeType"] in ICON_TYPES


@pytest.mark.parametrize("state", STATES)
def test_a_flip_changes_no_entry(state: str) -> None:
    assert registry_entry(PICKLE, roadmap(state)) == registry_entry(PICKLE, roadmap("planned"))


def test_the_operators_words_are_kept_where_they_are_short_enough() -> None:
    short = json.loads(registry_entry(replace(PICKLE, description="Jars and paddles."), roadmap("browse")))
    long = json.loads(registry_entry(replace(PICKLE, description="Jars. " * 30), roadmap("browse")))

    assert short["description"] == "Jars and paddles."
    assert long["description"].endswith("tools for the Pickle Warehouse storefront.")


def test_a_picture_is_an_icon_and_an_ico_is_none() -> None:
    pictured = json.loads(registry_entry(replace(PICKLE, icon=PICKLE.url("/jar.png")), roadmap("browse")))

    assert pictured["icons"] == [{"src": PICKLE.url("/jar.png"), "mimeType": "image/png"}]
    assert "icons" not in json.loads(registry_entry(PICKLE, roadmap("browse")))
