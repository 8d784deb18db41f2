"""How the tests of the root documents look at pages: stores, parsed HTML, links."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree as ET

import html5lib
from msgspec.structs import replace

from storefront_mcp.cards import CARDS
from storefront_mcp.commerce.store import Store
from tests.unit.cards.states import PICKLE, roadmap

SITE_DOCUMENTS: Final = tuple(card for card in CARDS if card.group == "root")
HOSTILE: Final = replace(
    PICKLE,
    name='Tom & Jerry\'s <b>"Cheese"</b> [x](y) `z`',
    tagline="</script><script>alert(1)</script> *bold* & more",
    locale="de",
)
"""A store whose texts are markup in every format."""
HTML_PAGES: Final = ("landing", "docs")
MARKDOWN_LINK: Final = re.compile(r"\]\((https?://[^)\s]+)\)")
PLAIN_LINK: Final = re.compile(r"https?://[^\s\"'`<>()\[\]]+[^\s\"'`<>()\[\].,;:]")
IN_CODE: Final = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


def body(name: str, state: str, store: Store = PICKLE) -> bytes:
    """The bytes of a root document that must exist."""
    (card,) = (card for card in SITE_DOCUMENTS if card.name == name)
    rendered = card.render(store, roadmap(state))
    assert rendered is not None
    return rendered


def text(name: str, state: str, store: Store = PICKLE) -> str:
    return body(name, state, store).decode()


def parsed(page: bytes | str) -> ET.Element:
    """The document tree; any parse error fails (HTML standard, 13.2)."""
    reader = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree: ET.Element = reader.parse(page.decode() if isinstance(page, bytes) else page)
    return tree


def served(state: str, store: Store) -> set[str]:
    """Every path that answers 200 in this state."""
    cards = {path for card in CARDS if card.render(store, roadmap(state)) is not None for path in card.paths_of(store)}
    pages = {f"/{page}{suffix}" for page in store.pages for suffix in ("", ".md")}
    return cards | pages | {"/healthz"}


def html_links(page: bytes, store: Store) -> Iterator[str]:
    """Every address that a browser or crawler finds in a page."""
    for element in parsed(page).iter():
        for attribute in ("href", "src", "action", "content"):
            value = element.get(attribute, "")
            if attribute != "content" or value.startswith(("http:", "https:")):
                yield urljoin(store.url("/"), value)


def ours(found: Iterator[str], store: Store) -> set[str]:
    """The paths of the links that stay on the store's origin."""
    return {urlsplit(link).path for link in found if link.startswith(f"{store.origin}/")}
