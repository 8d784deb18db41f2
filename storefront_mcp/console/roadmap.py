"""Roadmap page: phases with status and history, and a preview of a flip before it is made."""

import asyncio
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from functools import partial
from http import HTTPStatus
from typing import Any, Final, cast, get_args

from litestar import Response
from msgspec import Struct

from storefront_mcp.checkout.closing import close_open_checkouts
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.commerce.store import Store
from storefront_mcp.console.errors import unreadable_form
from storefront_mcp.console.routing import ConsoleAction, ConsoleRequest, ConsoleTab
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.flips import Flip, PhaseStatuses, with_statuses
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import TRANSITIONS, FlipRefused, Phase, Roadmap
from storefront_mcp.roadmap.terms import MAX_REASON_CHARS, NO_TERMS, FlipTerms, TermsRefused, flip_terms
from storefront_mcp.web.responses import see_other

REQUIRED_SCOPES: Final = ("manage:phases",)
TAB: Final = ConsoleTab("/roadmap", "Roadmap", REQUIRED_SCOPES)
STATUS_WORDS: Final[Mapping[Status, str]] = {"active": "Open", "paused": "Pause", "retired": "Retire"}
"""The verb that brings a phase to a status."""
MAX_DIFF_LINES: Final = 400
"""Of one document's diff."""
MAX_CHECKOUTS_NAMED: Final = 20
CHECKOUTS_FIELD: Final = "checkouts"
"""Form field: `finish` or `close`, what becomes of open checkouts."""
SEEN_FIELD: Final = "seen"
"""Form field: roadmap version of the preview that the operator saw."""


class RelatedFlip(Struct, frozen=True, kw_only=True):
    """A link to the preview of another flip."""

    title: str
    address: str
    opens: bool = True


class DocumentDiff(Struct, frozen=True, kw_only=True):
    """Diff of one published document."""

    path: str
    what: str
    """`changes`, `appears` or `vanishes`."""
    lines: Sequence[tuple[str, str]]
    """Each with `+`, `-`, `@` or a space before it."""
    more: int
    """Number of lines left out."""


class FlipPreview(Struct, frozen=True, kw_only=True):
    """Effects of a flip: tools, documents, or complaints."""

    appear: Sequence[Any] = ()
    vanish: Sequence[Any] = ()
    documents: Sequence[DocumentDiff] = ()
    complaints: Sequence[str] = ()
    together: Sequence[RelatedFlip] = ()
    """Flips that would resolve complaints."""


def actions() -> list[ConsoleAction]:
    """The routes of this page."""
    return [
        ConsoleAction(at=TAB.at, needs=REQUIRED_SCOPES, run=show_roadmap),
        ConsoleAction(at=f"{TAB.at}/flip", needs=REQUIRED_SCOPES, run=preview_flip),
        ConsoleAction(at=f"{TAB.at}/flip", method="POST", needs=REQUIRED_SCOPES, run=flip_phases),
    ]


async def show_roadmap(request: ConsoleRequest) -> Response[bytes]:
    """Every phase. `?done=7` shows what flip 7 did."""
    roadmap, flips = await asyncio.to_thread(_roadmap_and_flips, request)
    standing = await asyncio.to_thread(request.dependencies.flips.current_statuses)
    scheduled = await asyncio.to_thread(request.dependencies.flips.list_schedule, request.store)
    refused = await asyncio.to_thread(request.dependencies.flips.refused_schedule, request.store)
    recorded = standing.get(request.store, PhaseStatuses(0, {}))
    last = {one.phase: one for one in flips}
    done = request.form.one("done")
    return request.page(
        "roadmap.html.j2",
        roadmap=roadmap,
        shown={phase.name: phase.status for phase in request.site.shown.roadmap.phases},
        last=last,
        flips=[one for one in flips if str(one.number) == done],
        history=list(reversed(flips))[:30],
        tools=[tool.name for tool in request.site.shown.roadmap.open_tools()],
        steps={phase.name: list(_possible_flips(request, phase)) for phase in roadmap.phases},
        pending=_pending(roadmap, request.site.shown.roadmap) if done else False,
        done=done,
        stops=recorded.stops,
        scheduled=[flip for flip in scheduled if not flip.outcome],
        refused=refused,
        closed=request.form.one("closed"),
        busy=request.form.one("busy"),
    )


async def preview_flip(request: ConsoleRequest) -> Response[bytes]:
    """Preview of the requested changes."""
    return await _preview_page(request, _requested_statuses(request))


async def flip_phases(request: ConsoleRequest) -> Response[bytes]:
    """Flip, unless something was flipped since the preview."""
    changes = _requested_statuses(request)
    roadmap, _ = await asyncio.to_thread(_roadmap_and_flips, request)
    if request.form.one(SEEN_FIELD) != str(roadmap.version):
        return await _preview_page(request, changes, status=HTTPStatus.CONFLICT, note="Somebody flipped meanwhile.")
    dependencies = request.dependencies
    try:
        terms = _requested_terms(request) if "paused" in changes.values() else NO_TERMS
        flip = partial(
            dependencies.flips.flip,
            dependencies.planned[request.store],
            request.store,
            changes,
            by=request.session.by,
            terms=terms,
        )
        standing = await asyncio.to_thread(flip)
    except (FlipRefused, TermsRefused) as refused:
        note = "Nothing was changed." if isinstance(refused, FlipRefused) else f"Nothing was changed. {refused}"
        return await _preview_page(request, changes, status=HTTPStatus.CONFLICT, note=note)
    done = f"{TAB.at}?done={standing.version}"
    if request.form.one(CHECKOUTS_FIELD) == "close" and _ends_payment(roadmap, changes):
        by, now = request.session.by, dependencies.unix_now
        result = await close_open_checkouts(dependencies.checkouts, request.store, reason=terms.reason, by=by, now=now)
        done += f"&closed={len(result.closed)}&busy={len(result.busy)}"
    return see_other(request.address(done))


async def _preview_page(
    request: ConsoleRequest, changes: Mapping[str, Status], *, status: HTTPStatus = HTTPStatus.OK, note: str = ""
) -> Response[bytes]:
    roadmap, _ = await asyncio.to_thread(_roadmap_and_flips, request)
    found = await asyncio.to_thread(_preview_of, request, roadmap, changes)
    phases = [(phase, changes[phase.name]) for phase in roadmap.phases if phase.name in changes]
    open_checkouts: Sequence[Checkout] = ()
    if _ends_payment(roadmap, changes):
        open_checkouts = await request.dependencies.checkouts.list_by_state(
            request.store, ("open",), limit=MAX_CHECKOUTS_NAMED
        )
    return request.page(
        "flip.html.j2",
        status=status,
        phases=phases,
        changes=changes,
        steps=STATUS_WORDS,
        preview=found,
        note=note,
        seen=roadmap.version,
        pauses="paused" in changes.values(),
        open_checkouts=open_checkouts,
        most=MAX_CHECKOUTS_NAMED,
        reason=request.form.one("reason"),
        until=request.form.one("until"),
        longest_reason=MAX_REASON_CHARS,
    )


def _roadmap_and_flips(request: ConsoleRequest) -> tuple[Roadmap, Sequence[Flip]]:
    flags, store = request.dependencies.flips, request.store
    standing = flags.current_statuses().get(store, PhaseStatuses(0, {}))
    return with_statuses(request.dependencies.planned[store], standing), flags.history(store)


def _requested_statuses(request: ConsoleRequest) -> Mapping[str, Status]:
    """New status by phase, from the form's fields. Raises ConsoleError 400."""
    known = {phase.name for phase in request.dependencies.planned[request.store].phases}
    changes = {name: value for name, value in request.form.fields if name in known}
    if not changes or not set(changes.values()) <= set(get_args(Status)):
        raise unreadable_form()
    return cast("Mapping[str, Status]", changes)


def _requested_terms(request: ConsoleRequest) -> FlipTerms:
    """The terms of a pause; a moment without an offset is in UTC. Raises TermsRefused."""
    typed = request.form.one("until")
    try:
        until = dt.datetime.fromisoformat(typed) if typed else None
    except ValueError:
        raise TermsRefused("An end is a date and a time, such as 2027-02-01T09:00.") from None
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=dt.UTC)
    return flip_terms(request.form.one("reason"), until, begins=request.dependencies.now())


def _ends_payment(roadmap: Roadmap, changes: Mapping[str, Status]) -> bool:
    """Whether a phase in which orders are paid closes."""
    named = (phase for phase in roadmap.phases if phase.name in changes)
    return any(phase.manifest.needs_payment and phase.open and changes[phase.name] != "active" for phase in named)


def _preview_of(request: ConsoleRequest, roadmap: Roadmap, changes: Mapping[str, Status]) -> FlipPreview:
    try:
        after = roadmap.with_status(changes)
    except FlipRefused as refused:
        return FlipPreview(complaints=refused.complaints, together=list(_combine(request, roadmap, changes)))
    before, later = ({tool.name: tool for tool in one.open_tools()} for one in (roadmap, after))
    return FlipPreview(
        appear=[tool for name, tool in later.items() if name not in before],
        vanish=[tool for name, tool in before.items() if name not in later],
        documents=list(_differences(request.site.store, request.dependencies.cards, roadmap, after)),
    )


def _combine(request: ConsoleRequest, roadmap: Roadmap, changes: Mapping[str, Status]) -> Iterator[RelatedFlip]:
    """Combined flips that the complaints ask for."""
    more: dict[str, Status] = {}
    for phase in roadmap.phases:
        after = changes.get(phase.name, phase.status)
        for needed in phase.manifest.requires:
            other = roadmap.phase(needed)
            if other is None or after != "active" or changes.get(needed, other.status) == "active":
                continue
            if phase.name in changes and "active" in TRANSITIONS[other.status]:
                more[needed] = "active"
            elif phase.name not in changes:
                more[phase.name] = "paused"
    titles = {phase.name: phase.manifest.title for phase in roadmap.phases}
    for name, status in more.items():
        title = f"{STATUS_WORDS[status]} {titles[name]} at the same moment"
        yield RelatedFlip(title=title, address=_address(request, {**changes, name: status}))


def _possible_flips(request: ConsoleRequest, phase: Phase) -> Iterator[RelatedFlip]:
    for status, title in STATUS_WORDS.items():
        if status in TRANSITIONS[phase.status]:
            yield RelatedFlip(
                title=f"{title} …", address=_address(request, {phase.name: status}), opens=status == "active"
            )


def _address(request: ConsoleRequest, changes: Mapping[str, Status]) -> str:
    query = "&".join(f"{name}={status}" for name, status in changes.items())
    return request.address(f"{TAB.at}/flip?{query}")


def _pending(record: Roadmap, shown: Roadmap) -> bool:
    """Whether this worker still serves an older roadmap than the recorded one."""
    return record.version > shown.version


def _differences(store: Store, cards: Sequence[Card], before: Roadmap, after: Roadmap) -> Iterator[DocumentDiff]:
    for card in cards:
        if card.group == "root" and not store.root_documents:
            continue
        old, new = card.render(store, before), card.render(store, after)
        if old == new:
            continue
        lines = list(_lines(old, new))
        what = "appears" if old is None else "vanishes" if new is None else "changes"
        yield DocumentDiff(
            path=card.paths_of(store)[0],
            what=what,
            lines=lines[:MAX_DIFF_LINES],
            more=max(len(lines) - MAX_DIFF_LINES, 0),
        )


def _lines(old: bytes | None, new: bytes | None) -> Iterator[tuple[str, str]]:
    before, after = ([] if body is None else body.decode(errors="replace").splitlines() for body in (old, new))
    for line in list(unified_diff(before, after, lineterm="", n=2))[2:]:
        yield line[:1] or " ", line[1:]
