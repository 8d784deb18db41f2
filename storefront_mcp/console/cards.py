"""Cards page: every published document as it is sent, with the issues that its readers would have."""

import asyncio
import tomllib
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import ParseError, XMLPullParser

import msgspec
from litestar import Response
from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.console.errors import not_found
from storefront_mcp.console.routing import ConsoleAction, ConsoleRequest, ConsoleTab
from storefront_mcp.findings import Level
from storefront_mcp.roadmap.card import DocumentIssue, DocumentValidator
from storefront_mcp.roadmap.roadmap import Roadmap

TAB: Final = ConsoleTab("/cards", "Cards")
FILE_SIGNATURES: Final = {
    "image/x-icon": b"\0\0\1\0",
    "image/vnd.microsoft.icon": b"\0\0\1\0",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
}
"""First bytes by media type of binary files."""


class RenderedCard(Struct, frozen=True, kw_only=True):
    """A document in one media type, with its issues."""

    name: str
    path: str
    others: tuple[str, ...]
    media_type: str
    body: bytes | None
    """None where it is not published now."""
    issues: tuple[DocumentIssue, ...] = ()

    @property
    def level(self) -> Level | None:
        """A fault where readers refuse it, a warning where it could be better; None where it is not there."""
        if self.body is None:
            return None
        return min(("fault" if one.grave else "warning" for one in self.issues), default="ok")


def actions() -> list[ConsoleAction]:
    """The routes of this page."""
    return [ConsoleAction(at=TAB.at, run=show_cards), ConsoleAction(at=f"{TAB.at}/one", run=show_card)]


async def show_cards(request: ConsoleRequest) -> Response[bytes]:
    """All documents, after the fixes for those with issues."""
    rendered_cards = await asyncio.to_thread(lambda: list(_rendered_cards(request)))
    # One setting is in many documents: its fix is shown once.
    fixes: dict[str, dict[str, None]] = {}
    for rendered in rendered_cards:
        for issue in rendered.issues:
            fixes.setdefault(issue.fix, {})[rendered.path] = None
    return request.page("cards.html.j2", rendered_cards=rendered_cards, fixes=fixes)


async def show_card(request: ConsoleRequest) -> Response[bytes]:
    """One document, whole: `?name=…&type=…`."""
    name, kind = request.form.one("name"), request.form.one("type")
    for rendered in await asyncio.to_thread(lambda: list(_rendered_cards(request, name))):
        if rendered.media_type == kind or not kind:
            return request.page("card.html.j2", rendered=rendered, text=_text(rendered))
    raise not_found(f"Nothing called {name[:60]} is published here.")


def _rendered_cards(request: ConsoleRequest, only: str | None = None) -> Iterator[RenderedCard]:
    store, roadmap = request.site.store, request.site.shown.roadmap
    for card in request.dependencies.cards:
        if (only is not None and card.name != only) or (card.group == "root" and not store.root_documents):
            continue
        paths = card.paths_of(store)
        for media_type, render in {card.media_type: card.render, **card.alternates}.items():
            body = render(store, roadmap)
            # An alternate is checked where it is a document of its own.
            validate = card.validate if render is card.render else None
            yield RenderedCard(
                name=card.name,
                path=paths[0],
                others=paths[1:],
                media_type=media_type,
                body=body,
                issues=() if body is None else _issues(store, roadmap, validate, media_type, body),
            )


def _issues(
    store: Store, roadmap: Roadmap, validate: DocumentValidator | None, media_type: str, body: bytes
) -> tuple[DocumentIssue, ...]:
    """The issues, each once; content is checked only where the document can be parsed."""
    malformed = malformed_reason(media_type, body)
    if malformed:
        return (
            DocumentIssue(
                f"It cannot be read: {malformed}.", "Look for unusual characters in the settings of this store."
            ),
        )
    return () if validate is None else tuple(dict.fromkeys(validate(store, roadmap, body)))


def malformed_reason(media_type: str, body: bytes) -> str:
    """Why a document cannot be parsed; empty where it can."""
    kind = media_type.partition(";")[0]
    if _binary(media_type):
        return (
            "" if body.startswith(FILE_SIGNATURES.get(kind, b"")) and body else "it does not begin as such a file does"
        )
    try:
        text = body.decode()
        if kind.endswith(("json", "+json")):
            msgspec.json.decode(body)
        elif kind == "application/toml":
            tomllib.loads(text)
        elif kind.endswith(("/xml", "+xml")):
            parser: XMLPullParser[Any] = XMLPullParser()
            # Our documents have no entities, and expanding them is unsafe.
            if "<!ENTITY" in text:
                return "it declares entities"
            parser.feed(text)
            parser.close()
    except (UnicodeDecodeError, msgspec.DecodeError, tomllib.TOMLDecodeError, ParseError) as error:
        return str(error)
    return "" if text.strip() else "it is empty"


def _binary(media_type: str) -> bool:
    kind = media_type.partition(";")[0]
    return kind.startswith(("image/", "font/")) and not kind.endswith("+xml")


def _text(rendered: RenderedCard) -> str:
    body = rendered.body or b""
    return f"{len(body)} bytes that are no text." if _binary(rendered.media_type) else body.decode(errors="replace")
