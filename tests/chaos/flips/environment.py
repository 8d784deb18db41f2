"""A small roadmap whose phases can be flipped freely, and the processes that flip and read it until they are killed."""

import asyncio
import datetime as dt
import json
import os
import random
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.roadmap.manifest import PhaseManifest, PromisedTool, Status
from storefront_mcp.roadmap.refresher import RoadmapRefresher
from storefront_mcp.roadmap.roadmap import TRANSITIONS, FlipRefused, Phase, Roadmap
from storefront_mcp.tools.tool import tool

PICKLE = StoreId("pickle")
PADDLE = StoreId("paddle")
STORES = (PICKLE, PADDLE)
DAY = dt.date(2026, 11, 20)


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """No arguments."""


@tool()
async def look(args: Nothing, shop: Shop) -> Nothing:
    """Look."""
    return args


def phase(number: int, name: str, *requires: str, delivered: bool = True, missing: tuple[str, ...] = ()) -> Phase:
    """A phase that promises one tool, `look_<name>`."""
    promised = f"look_{name}"
    return Phase(
        name=name,
        manifest=PhaseManifest(
            number=number,
            title=name.title(),
            delivers="A look.",
            requires=requires,
            tools=(PromisedTool(name=promised, summary="Look", backed_by="nothing"),),
        ),
        tools={promised: look} if delivered else {},
        status="planned",
        missing=missing,
    )


def roadmap(*phases: Phase) -> Roadmap:
    """The roadmap of these phases; without any, of four that stand on each other like a tree."""
    default = (phase(1, "browse"), phase(2, "cart", "browse"), phase(3, "checkout", "cart"), phase(4, "care", "browse"))
    return Roadmap(version=0, phases=phases or default, as_of=DAY)


def statuses(shown: Roadmap) -> dict[str, Status]:
    """Status by phase."""
    return {phase.name: phase.status for phase in shown.phases}


def random_changes(chance: random.Random, planned: Roadmap, standing: Mapping[str, Status]) -> dict[str, Status]:
    """Up to three steps that each phase could take by itself; together they may well be refused."""
    names = chance.sample([phase.name for phase in planned.phases], chance.randint(1, 3))
    steps = {name: sorted(TRANSITIONS[standing.get(name, "planned")] - {"retired"}) for name in names}
    return {name: chance.choice(allowed) for name, allowed in steps.items() if allowed}


def flip_until_killed(where: str, acks: str, seed: int, enough: int) -> None:
    """Flip at random; write each flip down in `acks` only after it was acknowledged."""
    chance = random.Random(seed)
    flags = SqlFlipRepository(Database(where))
    planned = roadmap()
    out = os.open(acks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    number = 0
    while number < enough:
        store = chance.choice(STORES)
        standing = flags.current_statuses().get(store)
        changes = random_changes(chance, planned, {} if standing is None else standing.statuses)
        try:
            number = flags.flip(planned, store, changes, by=f"flipper {seed}").version
        except FlipRefused:
            continue
        _write(out, {"number": number, "store": store, "changes": changes, "at": time.monotonic()})


def read_until_killed(where: str, seen: str) -> None:
    """Watch as a worker does; write down every roadmap that is shown, at the moment it is shown."""
    out = os.open(seen, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def show(store: StoreId, shown: Roadmap) -> None:
        _write(out, {"store": store, "version": shown.version, "statuses": statuses(shown), "at": time.monotonic()})

    watch = RoadmapRefresher(
        dict.fromkeys(STORES, roadmap()), SqlFlipRepository(Database(where)), show, today=lambda: DAY
    )
    watch.refresh()
    asyncio.run(watch.run())


def die_before_commit(where: str) -> None:
    """Flip, and be killed with everything written but the commit."""
    from sqlalchemy import event  # noqa: PLC0415 -- only this process listens
    from sqlalchemy.engine import Engine  # noqa: PLC0415

    database = Database(where)
    event.listen(Engine, "commit", lambda _connection: os.kill(os.getpid(), 9))
    SqlFlipRepository(database).flip(roadmap(), PICKLE, {"browse": "active"}, by="unlucky")


def written(path: Path) -> list[dict[str, object]]:
    """The lines of a file; a last one that was torn by a kill is left out."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _write(out: int, line: object) -> None:
    os.write(out, json.dumps(line).encode() + b"\n")
