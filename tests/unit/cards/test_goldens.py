"""Every document of the demo store, byte for byte, in every state (`make goldens` writes them anew)."""

import re
from pathlib import Path

import pytest

from storefront_mcp.cards import CARDS
from storefront_mcp.roadmap.card import Card
from tests.unit.cards.states import PICKLE, STATES, is_json, roadmap

RENDERED = Path(__file__).parents[3] / "cards" / "rendered"
ENDINGS = {
    "application/toml": "toml",
    "application/xml": "xml",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/x-icon": "ico",
    "text/css": "css",
    "text/html": "html",
    "text/javascript": "js",
    "text/markdown": "md",
    "text/plain": "txt",
}


def file_name(card: Card) -> str:
    assert re.fullmatch(r"[a-z0-9-]+", card.name)
    return f"{card.name}.{'json' if is_json(card) else ENDINGS[card.media_type.partition(';')[0]]}"


@pytest.mark.parametrize("card", CARDS, ids=[card.name for card in CARDS])
@pytest.mark.parametrize("state", STATES)
def test_a_document_is_what_it_was(state: str, card: Card, update_goldens: bool) -> None:
    golden = RENDERED / state / file_name(card)
    body = card.render(PICKLE, roadmap(state))
    if update_goldens:
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.unlink(missing_ok=True)
        if body is not None:
            golden.write_bytes(body)

    assert body == (golden.read_bytes() if golden.exists() else None)


def test_there_is_no_golden_of_a_document_that_is_gone() -> None:
    expected = {RENDERED / state / file_name(card) for state in STATES for card in CARDS}

    assert {path for path in RENDERED.rglob("*") if path.is_file()} <= expected


def test_documents_have_names_and_addresses_of_their_own() -> None:
    names = [card.name for card in CARDS]
    paths = [path for card in CARDS for path in card.paths]

    assert sorted(set(names)) == sorted(names)
    assert sorted(set(paths)) == sorted(paths)
    assert all(path.startswith("/") for path in paths)
