"""Nothing we publish leads to an address of ours that is not there."""

import functools
import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from storefront_mcp.agent_protocols.a2a import A2A_MOUNT, REST_PATH
from storefront_mcp.agent_protocols.ucp import PERMALINK_MOUNT, RELEASES
from storefront_mcp.cards import CARDS
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from tests.unit.cards.states import STATES, STORES, is_json, roadmap

PROMISED = {"endpoint", "serverUrl", "url", "httpUrl", "args", "command", "anchor", "resource"}
"""Keys under which the endpoint is a promise, also while it is closed."""
UCP = {PERMALINK_MOUNT} | {path for release in RELEASES for path in (release.mount, f"{release.mount}/mcp")}
# These tell by themselves that they are closed, and until when.
A2A = {A2A_MOUNT, f"{A2A_MOUNT}{REST_PATH}"}
URL = re.compile(r"https?://[^\s\"'`<>()\[\]{}\\]+[^\s\"'`<>()\[\]{}\\.,;:]")
IN_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
DISCOVERY = [card for card in CARDS if card.group == "discovery"]


@functools.cache
def served(name: str, state: str) -> frozenset[str]:
    """Every path on a store's origin that answers in this state."""
    store = STORES[name]
    paths = {path for card in CARDS if _exists(card, store, state) for path in card.paths_of(store)}
    pages = {f"/{page}" for page in store.pages}
    # Behind a shop that has its own front page, "/" is the shop's.
    return frozenset(paths | pages | {"/", "/healthz", *A2A} | ({"/mcp", *UCP} if roadmap(state).open else set()))


def _exists(card: Card, store: Store, state: str) -> bool:
    if card.group == "root" and not store.root_documents:
        return False
    return card.render(store, roadmap(state)) is not None


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a JSON document with the key that it stands under."""
    match value:
        case str():
            yield key, value
        case list():
            for member in value:
                yield from strings(member, key)
        case dict():
            for name, member in value.items():
                yield from strings(member, name)


def links(card: Card, body: bytes, store: Store) -> Iterator[str]:
    """What a reader of the document may follow."""
    text = body.decode()
    if card.media_type.startswith("application/toml"):
        text = json.dumps(tomllib.loads(text))
    elif not is_json(card):
        yield from URL.findall(IN_CODE.sub("", text))
        return
    document = json.loads(text)
    for key, value in strings(document):
        if key in PROMISED and value.split(" ")[-1] in {store.endpoint, store.origin}:
            continue
        if key in {"url", "href"}:
            yield urljoin(store.url(card.paths[0]), value)
        else:
            yield from URL.findall(value)
    if card.name == "openapi":
        yield from (store.url(path) for path in document["paths"] if path != "/mcp")


def ours(found: Iterator[str], store: Store) -> set[str]:
    """The paths of those links that stay on the store's origin."""
    parts = map(urlsplit, found)
    return {part.path or "/" for part in parts if f"{part.scheme}://{part.netloc}" == store.origin}


@pytest.mark.parametrize("card", DISCOVERY, ids=[card.name for card in DISCOVERY])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", STORES)
def test_no_document_leads_to_a_place_of_ours_that_is_not_there(name: str, state: str, card: Card) -> None:
    store = STORES[name]
    body = card.render(store, roadmap(state))
    if body is None:
        signing_in = {"protected-resource", "account-resource", "authorization-server"}
        assert card.name in signing_in or not card.served_by(store)
        return
    assert ours(links(card, body, store), store) - served(name, state) == set()


def test_a_link_to_nowhere_would_be_noticed() -> None:
    store = STORES["pickle"]
    (protocols,) = (card for card in CARDS if card.name == "protocols")
    body = b'{"mcp": {"endpoint": "https://pickle.example/mcp"}, "x": ["https://pickle.example/gone.", "/mcp"]}'

    assert ours(links(protocols, body, store), store) - served("pickle", "planned") == {"/gone"}


@pytest.mark.parametrize("card", DISCOVERY, ids=[card.name for card in DISCOVERY])
@pytest.mark.parametrize("store", STORES.values(), ids=STORES)
def test_the_same_facts_make_the_same_bytes(store: Store, card: Card) -> None:
    first = [card.render(store, roadmap(state)) for state in STATES]
    roadmap.cache_clear()

    assert [card.render(store, roadmap(state)) for state in STATES] == first


@pytest.mark.parametrize("card", [card for card in DISCOVERY if is_json(card)], ids=lambda card: card.name)
def test_json_is_written_for_people_too(card: Card) -> None:
    for store in STORES.values():
        body = card.render(store, roadmap("planned"))
        if body is not None:
            assert body.startswith(b'{\n  "')
            assert body.endswith(b"\n}\n")
            assert b"\\u" not in body
