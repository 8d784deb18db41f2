"""The roadmap: what is promised, what is open, who opened it; and a flip that is looked at before it is done."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from http import HTTPStatus
from typing import Any, Final, cast, get_args

from litestar import Response
from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.flags import Flip, Standing, as_it_stands
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import NEXT, FlipRefused, Phase, Roadmap
from storefront_mcp.web.console.desk import Action, Tab, Visit
from storefront_mcp.web.console.dress import see
from storefront_mcp.web.console.refusals import unreadable

NEEDS: Final = ("manage:phases",)
TAB: Final = Tab("/roadmap", "Roadmap", NEEDS)
STEPS: Final[Mapping[Status, str]] = {"active": "Open", "paused": "Pause", "retired": "Retire"}
"""What an operator does to have a phase there."""
LINES: Final = 400
"""Of one document's difference that are shown."""
SEEN: Final = "seen"
"""The form's field with the number of the flip that the operator looked at."""


class Step(Struct, frozen=True, kw_only=True):
    """A change that somebody might want as well."""

    title: str
    address: str
    opens: bool = True


class Difference(Struct, frozen=True, kw_only=True):
    """What becomes of one published document."""

    path: str
    what: str
    """`changes`, `appears` or `vanishes`."""
    lines: Sequence[tuple[str, str]]
    """Each with `+`, `-`, `@` or a space before it."""
    more: int
    """Lines that are left out."""


class Preview(Struct, frozen=True, kw_only=True):
    """What a flip would do."""

    appear: Sequence[Any] = ()
    vanish: Sequence[Any] = ()
    documents: Sequence[Difference] = ()
    complaints: Sequence[str] = ()
    together: Sequence[Step] = ()
    """Flips that would leave less to complain about."""


def actions() -> list[Action]:
    """What can be asked for."""
    return [
        Action(at=TAB.at, needs=NEEDS, run=show),
        Action(at=f"{TAB.at}/flip", needs=NEEDS, run=preview),
        Action(at=f"{TAB.at}/flip", method="POST", needs=NEEDS, run=flip),
    ]


async def show(visit: Visit) -> Response[bytes]:
    """Every phase. `?done=7` tells what flip 7 did."""
    roadmap, flips = await asyncio.to_thread(_on_record, visit)
    last = {one.phase: one for one in flips}
    done = visit.form.one("done")
    return visit.page(
        "roadmap.html.j2",
        roadmap=roadmap,
        shown={phase.name: phase.status for phase in visit.site.shown.roadmap.phases},
        last=last,
        flips=[one for one in flips if str(one.number) == done],
        history=list(reversed(flips))[:30],
        tools=[tool.name for tool in visit.site.shown.roadmap.open_tools()],
        steps={phase.name: list(_steps(visit, phase)) for phase in roadmap.phases},
        pending=_pending(roadmap, visit.site.shown.roadmap) if done else False,
        done=done,
    )


async def preview(visit: Visit) -> Response[bytes]:
    """What would change."""
    return await _previewed(visit, _wanted(visit))


async def flip(visit: Visit) -> Response[bytes]:
    """Do it, if nothing was flipped since the operator looked."""
    changes = _wanted(visit)
    roadmap, _ = await asyncio.to_thread(_on_record, visit)
    if visit.form.one(SEEN) != str(roadmap.version):
        return await _previewed(visit, changes, status=HTTPStatus.CONFLICT, note="Somebody flipped meanwhile.")
    books = visit.desk.books
    try:
        standing = await asyncio.to_thread(
            books.flags.flip, books.planned[visit.store], visit.store, changes, by=visit.seat.by
        )
    except FlipRefused:
        return await _previewed(visit, changes, status=HTTPStatus.CONFLICT, note="Nothing was changed.")
    return see(visit.address(f"{TAB.at}?done={standing.version}"))


async def _previewed(
    visit: Visit, changes: Mapping[str, Status], *, status: HTTPStatus = HTTPStatus.OK, note: str = ""
) -> Response[bytes]:
    roadmap, _ = await asyncio.to_thread(_on_record, visit)
    found = await asyncio.to_thread(_looked_ahead, visit, roadmap, changes)
    phases = [(phase, changes[phase.name]) for phase in roadmap.phases if phase.name in changes]
    return visit.page(
        "flip.html.j2",
        status=status,
        phases=phases,
        changes=changes,
        steps=STEPS,
        preview=found,
        note=note,
        seen=roadmap.version,
    )


def _on_record(visit: Visit) -> tuple[Roadmap, Sequence[Flip]]:
    flags, store = visit.desk.books.flags, visit.store
    standing = flags.standing().get(store, Standing(0, {}))
    return as_it_stands(visit.desk.books.planned[store], standing), flags.history(store)


def _wanted(visit: Visit) -> Mapping[str, Status]:
    """Phases and where they are to be, from the form's own fields. Raises NotForYou."""
    known = {phase.name for phase in visit.desk.books.planned[visit.store].phases}
    changes = {name: value for name, value in visit.form.fields if name in known}
    if not changes or not set(changes.values()) <= set(get_args(Status)):
        raise unreadable()
    return cast("Mapping[str, Status]", changes)


def _looked_ahead(visit: Visit, roadmap: Roadmap, changes: Mapping[str, Status]) -> Preview:
    try:
        after = roadmap.with_status(changes)
    except FlipRefused as refused:
        return Preview(complaints=refused.complaints, together=list(_together(visit, roadmap, changes)))
    before, later = ({tool.name: tool for tool in one.open_tools()} for one in (roadmap, after))
    return Preview(
        appear=[tool for name, tool in later.items() if name not in before],
        vanish=[tool for name, tool in before.items() if name not in later],
        documents=list(_differences(visit.site.store, visit.desk.books.cards, roadmap, after)),
    )


def _together(visit: Visit, roadmap: Roadmap, changes: Mapping[str, Status]) -> Iterator[Step]:
    """Flips of the same moment that the complaints ask for."""
    more: dict[str, Status] = {}
    for phase in roadmap.phases:
        after = changes.get(phase.name, phase.status)
        for needed in phase.manifest.requires:
            other = roadmap.phase(needed)
            if other is None or after != "active" or changes.get(needed, other.status) == "active":
                continue
            if phase.name in changes and "active" in NEXT[other.status]:
                more[needed] = "active"
            elif phase.name not in changes:
                more[phase.name] = "paused"
    titles = {phase.name: phase.manifest.title for phase in roadmap.phases}
    for name, status in more.items():
        title = f"{STEPS[status]} {titles[name]} at the same moment"
        yield Step(title=title, address=_address(visit, {**changes, name: status}))


def _steps(visit: Visit, phase: Phase) -> Iterator[Step]:
    for status, title in STEPS.items():
        if status in NEXT[phase.status]:
            yield Step(title=f"{title} …", address=_address(visit, {phase.name: status}), opens=status == "active")


def _address(visit: Visit, changes: Mapping[str, Status]) -> str:
    query = "&".join(f"{name}={status}" for name, status in changes.items())
    return visit.address(f"{TAB.at}/flip?{query}")


def _pending(record: Roadmap, shown: Roadmap) -> bool:
    """Whether this worker has yet to show what is on record."""
    return record.version > shown.version


def _differences(store: Store, cards: Sequence[Card], before: Roadmap, after: Roadmap) -> Iterator[Difference]:
    for card in cards:
        if card.group == "root" and not store.root_documents:
            continue
        old, new = card.render(store, before), card.render(store, after)
        if old == new:
            continue
        lines = list(_lines(old, new))
        what = "appears" if old is None else "vanishes" if new is None else "changes"
        yield Difference(path=card.paths[0], what=what, lines=lines[:LINES], more=max(len(lines) - LINES, 0))


def _lines(old: bytes | None, new: bytes | None) -> Iterator[tuple[str, str]]:
    before, after = ([] if body is None else body.decode(errors="replace").splitlines() for body in (old, new))
    for line in list(unified_diff(before, after, lineterm="", n=2))[2:]:
        yield line[:1] or " ", line[1:]
