"""Audit page: search, export as JSON lines, and verification of the hash chain."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Final, get_args
from urllib.parse import urlencode

import msgspec
from litestar import Response
from litestar.response import Stream

from storefront_mcp.console.rendering import private_headers
from storefront_mcp.console.routing import ConsoleAction, ConsoleRequest, ConsoleTab
from storefront_mcp.records.audit import (
    AuditEntry,
    AuditQuery,
    AuditRepository,
    ChainVerification,
    What,
    audit_timestamp,
)
from storefront_mcp.records.outcomes import current_outcome

REQUIRED_SCOPES: Final = ("manage:audit",)
TAB: Final = ConsoleTab("/audit", "Audit", REQUIRED_SCOPES)
SPAN_SECONDS: Final = {"hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000, "all": 0}
MAX_ROWS: Final = 200
"""Entries of a page."""
MAX_NUMBER_DIGITS: Final = 18
EXPORT_CHUNK: Final = 500
"""Entries per chunk of the export."""


def actions() -> list[ConsoleAction]:
    """The routes of this page."""
    return [
        ConsoleAction(at=TAB.at, needs=REQUIRED_SCOPES, run=show_audit),
        ConsoleAction(at=f"{TAB.at}/export", method="POST", needs=REQUIRED_SCOPES, run=export_audit),
        ConsoleAction(at=f"{TAB.at}/verify", method="POST", needs=REQUIRED_SCOPES, run=verify_audit),
    ]


async def show_audit(request: ConsoleRequest) -> Response[bytes]:
    """The newest entries that match the filter."""
    return await _page(request, None)


async def verify_audit(request: ConsoleRequest) -> Response[bytes]:
    """Verify the chain, and show the result above the entries."""
    verdict = await asyncio.to_thread(request.dependencies.audit.verify)
    await request.audit("audit.verified", problems=len(verdict.problems), number=verdict.number, hash=verdict.hash)
    return await _page(request, verdict)


async def export_audit(request: ConsoleRequest) -> Stream:
    """Every entry of the store within the span, as JSON lines."""
    span, now = request.form.one("span"), request.dependencies.now()
    since = _since(span, now)
    await request.audit("audit.exported", since=since)
    name = f"audit-{request.store}-{now.strftime('%Y%m%d-%H%M%S')}.jsonl"
    headers = {
        **private_headers(None),
        "content-type": "application/jsonl; charset=utf-8",
        "content-disposition": f'attachment; filename="{name}"',
    }
    return Stream(_lines(request.dependencies.audit, request.store, since), headers=headers, status_code=200)


async def _page(request: ConsoleRequest, verdict: ChainVerification | None) -> Response[bytes]:
    span, before = request.form.one("span", "week"), request.form.one("before")
    query = AuditQuery(
        store=request.store,
        since=_since(span, request.dependencies.now()),
        what=request.form.one("what"),
        request=request.form.one("request"),
        text=request.form.one("text"),
    )
    below = int(before) if before.isdecimal() and len(before) <= MAX_NUMBER_DIGITS else None
    found = await asyncio.to_thread(request.dependencies.audit.search, query, before=below, limit=MAX_ROWS)
    span = span if span in SPAN_SECONDS else "all"
    chosen = {"span": span, "what": query.what, "text": query.text, "request": query.request}
    return request.page(
        "audit.html.j2",
        found=found,
        filter=urlencode(chosen),
        below=below,
        kinds=get_args(What),
        request_id=query.request,
        what=query.what,
        text=query.text,
        span=span,
        spans=SPAN_SECONDS,
        verdict=verdict,
        unset=msgspec.UNSET,
        details=_details,
        outcome=current_outcome,
    )


def _details(entry: AuditEntry) -> str:
    """Arguments and details of an entry as JSON."""
    more = {**(entry.arguments or {}), **(entry.details or {})}
    return msgspec.json.encode(more).decode() if more else ""


def _since(span: str, now: dt.datetime) -> str:
    seconds = SPAN_SECONDS.get(span, 0)
    return audit_timestamp(now - dt.timedelta(seconds=seconds)) if seconds else ""


def _lines(audit: AuditRepository, store: str, since: str) -> Iterator[bytes]:
    """The export in chunks; one empty chunk where there is nothing, so that there is a file."""
    lines: list[bytes] = []
    for one in audit.read(store=store, since=since):
        row = {"number": one.number, **msgspec.to_builtins(one.entry), "hash": one.hash}
        lines.append(msgspec.json.encode(row) + b"\n")
        if len(lines) == EXPORT_CHUNK:
            yield b"".join(lines)
            lines.clear()
    yield b"".join(lines)
