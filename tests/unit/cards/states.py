"""The demo store and the states of its roadmap in which documents are looked at."""

import datetime as dt
import functools
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from storefront_mcp import phases
from storefront_mcp.cards import CARDS
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.store import ServerIdentity, Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.loading import load_phases
from storefront_mcp.roadmap.roadmap import Roadmap

SPEAKER: Final = ServerIdentity(
    name="example.pickle/storefront",
    version="0.1.0",
    protocol_versions=("2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"),
    preferred_version="2025-11-25",
)
PICKLE: Final = Store(
    id=StoreId("pickle"),
    origin="https://pickle.example",
    name="Pickle Warehouse",
    currency="AUD",
    server=SPEAKER,
    icon="https://pickle.example/favicon.ico",
    documentation="https://pickle.example/api/docs",
    privacy_policy="https://pickle.example/privacy-policy",
    pages=("shipping", "returns", "privacy-policy"),
    protocols=("ucp", "a2a"),
)
BARE: Final = Store(
    id=StoreId("bare"),
    origin="http://127.0.0.1:8000",
    name='Łódź: "Café" & {Sons}',
    currency="JPY",
    server=SPEAKER,
    root_documents=False,
)
"""A store with nothing set and a name that every format has to escape."""
GUARDED: Final = replace(PICKLE, issuer="https://auth.pickle.example/tenant")
STORES: Final = {"pickle": PICKLE, "bare": BARE, "guarded": GUARDED}

OPEN: Final[Mapping[str, tuple[int, ...]]] = {
    "planned": (),
    "browse": (1,),
    "cart": (1, 2),
    "checkout": (1, 2, 3),
}
"""Numbers of the open phases by the name of the state."""
STATES: Final = tuple(OPEN)


@functools.cache
def roadmap(state: str) -> Roadmap:
    """The real phases with the first few open, as if each were delivered."""
    numbers = OPEN[state]
    return Roadmap(
        version=len(numbers),
        phases=tuple(
            replace(phase, status="active" if phase.manifest.number in numbers else "planned")
            for phase in load_phases(phases)
        ),
        as_of=dt.date(2026, 11, 20),
    )


def card(name: str) -> Card:
    """The document of that name."""
    (found,) = (card for card in CARDS if card.name == name)
    return found


def rendered(name: str, state: str, store: Store = PICKLE) -> bytes:
    """The document's bytes; it must exist."""
    body = card(name).render(store, roadmap(state))
    assert body is not None, f"{name} does not exist while {state}"
    return body


def document(name: str, state: str, store: Store = PICKLE) -> dict[str, Any]:
    """A JSON document as a value."""
    return msgspec.json.decode(rendered(name, state, store), type=dict[str, Any])


def is_json(card: Card) -> bool:
    """Whether the media type is JSON or built on it (RFC 6839)."""
    return re.fullmatch(r"application/(.+\+)?json", card.media_type.partition(";")[0]) is not None
