"""Every document that is published now, as it is sent, and whether it is what its readers want."""

import asyncio
import tomllib
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import ParseError, XMLPullParser

import msgspec
from litestar import Response
from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Complaint, Form
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.web.console.desk import Action, Tab, Visit
from storefront_mcp.web.console.refusals import unknown

TAB: Final = Tab("/cards", "Cards")
STARTS: Final = {
    "image/x-icon": b"\0\0\1\0",
    "image/vnd.microsoft.icon": b"\0\0\1\0",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
}
"""How files begin that are no text."""


class Sheet(Struct, frozen=True, kw_only=True):
    """One rendering of one document."""

    name: str
    path: str
    others: tuple[str, ...]
    media_type: str
    body: bytes | None
    """None where there is no such document now."""
    complaints: tuple[Complaint, ...] = ()

    @property
    def standing(self) -> str:
        """`bad` where readers refuse it, `warn` where it could be better, `good`; empty where it is not there."""
        if self.body is None:
            return ""
        return min(("bad" if one.grave else "warn" for one in self.complaints), default="good")


def actions() -> list[Action]:
    """What can be asked for."""
    return [Action(at=TAB.at, run=show), Action(at=f"{TAB.at}/one", run=one)]


async def show(visit: Visit) -> Response[bytes]:
    """All of them, after what has to be done about some."""
    sheets = await asyncio.to_thread(lambda: list(_sheets(visit)))
    # One setting is in many documents: it is put right once.
    fixes: dict[str, dict[str, None]] = {}
    for sheet in sheets:
        for complaint in sheet.complaints:
            fixes.setdefault(complaint.fix, {})[sheet.path] = None
    return visit.page("cards.html.j2", sheets=sheets, fixes=fixes)


async def one(visit: Visit) -> Response[bytes]:
    """One of them, whole: `?name=…&type=…`."""
    name, kind = visit.form.one("name"), visit.form.one("type")
    for sheet in await asyncio.to_thread(lambda: list(_sheets(visit, name))):
        if sheet.media_type == kind or not kind:
            return visit.page("card.html.j2", sheet=sheet, text=_text(sheet))
    raise unknown(f"Nothing called {name[:60]} is published here.")


def _sheets(visit: Visit, only: str | None = None) -> Iterator[Sheet]:
    store, roadmap = visit.site.store, visit.site.shown.roadmap
    for card in visit.desk.books.cards:
        if (only is not None and card.name != only) or (card.group == "root" and not store.root_documents):
            continue
        for media_type, render in {card.media_type: card.render, **card.alternates}.items():
            body = render(store, roadmap)
            # Another rendering is looked at where it is a document of its own.
            form = card.form if render is card.render else None
            yield Sheet(
                name=card.name,
                path=card.paths[0],
                others=card.paths[1:],
                media_type=media_type,
                body=body,
                complaints=() if body is None else _complaints(store, roadmap, form, media_type, body),
            )


def _complaints(
    store: Store, roadmap: Roadmap, form: Form | None, media_type: str, body: bytes
) -> tuple[Complaint, ...]:
    """What is wrong, each once; what a document means is looked at only where it can be read."""
    unread = malformed(media_type, body)
    if unread:
        return (
            Complaint(f"It cannot be read: {unread}.", "Look for unusual characters in the settings of this store."),
        )
    return () if form is None else tuple(dict.fromkeys(form(store, roadmap, body)))


def malformed(media_type: str, body: bytes) -> str:
    """What is wrong with a document's form; empty where nothing is."""
    kind = media_type.partition(";")[0]
    if _binary(media_type):
        return "" if body.startswith(STARTS.get(kind, b"")) and body else "it does not begin as such a file does"
    try:
        text = body.decode()
        if kind.endswith(("json", "+json")):
            msgspec.json.decode(body)
        elif kind == "application/toml":
            tomllib.loads(text)
        elif kind.endswith(("/xml", "+xml")):
            parser: XMLPullParser[Any] = XMLPullParser()
            # A document of ours has no entities; one that has some is not ours to read.
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


def _text(sheet: Sheet) -> str:
    body = sheet.body or b""
    return f"{len(body)} bytes that are no text." if _binary(sheet.media_type) else body.decode(errors="replace")
