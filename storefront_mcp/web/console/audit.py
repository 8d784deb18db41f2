"""The audit: looked through, taken away as a file, and walked from end to end to see whether anything was changed."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Final, get_args

import msgspec
from litestar import Response
from litestar.response import Stream

from storefront_mcp.calls.audit import Entry, What, moment
from storefront_mcp.web.console.books import AuditBook, ChainVerdict, Recorded
from storefront_mcp.web.console.desk import Action, Tab, Visit
from storefront_mcp.web.console.dress import private

NEEDS: Final = ("manage:audit",)
TAB: Final = Tab("/audit", "Audit", NEEDS)
SPANS: Final = {"hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000, "all": 0}
LOOKED_AT: Final = 5_000
"""Entries that a filter goes through, the newest first."""
MOST: Final = 200
CHUNK: Final = 500
"""Entries that leave at once."""


def actions() -> list[Action]:
    """What can be asked for."""
    return [
        Action(at=TAB.at, needs=NEEDS, run=show),
        Action(at=f"{TAB.at}/export", method="POST", needs=NEEDS, run=export),
        Action(at=f"{TAB.at}/verify", method="POST", needs=NEEDS, run=verify),
    ]


async def show(visit: Visit) -> Response[bytes]:
    """The newest entries that fit what is looked for."""
    return await _shown(visit, None)


async def verify(visit: Visit) -> Response[bytes]:
    """Walk the chain."""
    verdict = await asyncio.to_thread(visit.desk.books.audit.verify)
    await visit.told("audit.verified", problems=len(verdict.problems), number=verdict.number, hash=verdict.hash)
    return await _shown(visit, verdict)


async def export(visit: Visit) -> Stream:
    """Every entry of the store since a moment, as JSON lines."""
    span, now = visit.form.one("span"), visit.desk.books.now()
    since = _since(span, now)
    await visit.told("audit.exported", since=since)
    name = f"audit-{visit.store}-{now.strftime('%Y%m%d-%H%M%S')}.jsonl"
    headers = {
        **private(None),
        "content-type": "application/jsonl; charset=utf-8",
        "content-disposition": f'attachment; filename="{name}"',
    }
    return Stream(_lines(visit.desk.books.audit, visit.store, since), headers=headers, status_code=200)


async def _shown(visit: Visit, verdict: ChainVerdict | None) -> Response[bytes]:
    what, text = visit.form.one("what"), visit.form.one("text").lower()
    span = visit.form.one("span", "week")
    found = await asyncio.to_thread(_found, visit, what, text, _since(span, visit.desk.books.now()))
    return visit.page(
        "audit.html.j2",
        entries=found[:MOST],
        more=max(len(found) - MOST, 0),
        kinds=get_args(What),
        what=what,
        text=text,
        span=span if span in SPANS else "all",
        spans=SPANS,
        verdict=verdict,
        unset=msgspec.UNSET,
        details=_details,
    )


def _found(visit: Visit, what: str, text: str, since: str) -> list[Recorded]:
    entries = visit.desk.books.audit.read(store=visit.store, since=since, last=LOOKED_AT)
    fitting = [one for one in entries if _fits(one.entry, what, text)]
    return fitting[::-1]


def _fits(entry: Entry, what: str, text: str) -> bool:
    return (not what or entry.what == what) and (not text or text in msgspec.json.encode(entry).decode().lower())


def _details(entry: Entry) -> str:
    """What else there is to say of an entry."""
    more = {**(entry.arguments or {}), **(entry.details or {})}
    return msgspec.json.encode(more).decode() if more else ""


def _since(span: str, now: dt.datetime) -> str:
    seconds = SPANS.get(span, 0)
    return moment(now - dt.timedelta(seconds=seconds)) if seconds else ""


def _lines(book: AuditBook, store: str, since: str) -> Iterator[bytes]:
    """The file, a piece at a time; an empty one where there is nothing, so that there is a file."""
    lines: list[bytes] = []
    for one in book.read(store=store, since=since):
        row = {"number": one.number, **msgspec.to_builtins(one.entry), "hash": one.hash}
        lines.append(msgspec.json.encode(row) + b"\n")
        if len(lines) == CHUNK:
            yield b"".join(lines)
            lines.clear()
    yield b"".join(lines)
