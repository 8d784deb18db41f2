"""A thousand random flips, readers in processes of their own, and a kill -9 now and then."""

import itertools
import multiprocessing
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.roadmap.manifest import Status
from tests.chaos.flips import environment
from tests.chaos.flips.environment import PADDLE, PICKLE, STORES, roadmap, statuses, written

pytestmark = pytest.mark.faults

FLIPS = 1000
KILLS = 20
BEHIND = 4.0
State = dict[str, Status]

Start = Callable[..., BaseProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a function in a process of its own; what still runs at the end is killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.flips.environment"])
    started: list[BaseProcess] = []

    def start(target: Callable[..., None], *arguments: object) -> BaseProcess:
        process = context.Process(target=target, args=arguments, daemon=True)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join(10)


def until(condition: Callable[[], Any], *, within: float) -> Any:
    """The condition's value once it is true."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {within} seconds in vain")
        threading.Event().wait(0.02)
    return value


def replayed(flags: SqlFlipRepository) -> tuple[dict[tuple[StoreId, int], State], dict[int, tuple[StoreId, State]]]:
    """Each store's state after each of its flips, and what each flip changed; checks the record on the way."""
    state: dict[StoreId, State] = {store: statuses(roadmap()) for store in STORES}
    after: dict[tuple[StoreId, int], State] = {(store, 0): dict(state[store]) for store in STORES}
    changes: dict[int, tuple[StoreId, State]] = {}
    for number, group in itertools.groupby(flags.history(), key=lambda flip: flip.number):
        flips = list(group)
        (store,) = {flip.store for flip in flips}
        for flip in flips:
            assert flip.before == state[store][flip.phase], f"flip {number} was checked against something else"
            state[store][flip.phase] = flip.after
        after[store, number] = dict(state[store])
        changes[number] = (store, {flip.phase: flip.after for flip in flips})
        for phase in roadmap().phases:
            if state[store][phase.name] == "active":
                assert all(state[store][needed] == "active" for needed in phase.manifest.requires)
    assert list(changes) == list(range(1, len(changes) + 1)), "a number is missing or was used twice"
    return after, changes


def test_a_thousand_flips_and_kills_leave_no_mixed_roadmap_and_no_flip_lost(
    tmp_path: Path, where: str, database: Database, start: Start
) -> None:
    chance = random.Random(7)
    flags = SqlFlipRepository(database)
    files = (tmp_path / f"{number}.jsonl" for number in itertools.count())
    seeds = itertools.count()
    readers: dict[Path, BaseProcess] = {}
    flippers: dict[Path, BaseProcess] = {}
    seen: list[Path] = []
    acknowledged: list[Path] = []

    def read() -> None:
        seen.append(next(files))
        readers[seen[-1]] = start(environment.read_until_killed, where, str(seen[-1]))

    def flip() -> None:
        acknowledged.append(next(files))
        flippers[acknowledged[-1]] = start(
            environment.flip_until_killed, where, str(acknowledged[-1]), next(seeds), FLIPS
        )

    def kill(processes: dict[Path, BaseProcess]) -> None:
        victim = processes.pop(chance.choice(list(processes)))
        victim.kill()
        victim.join(10)
        assert victim.exitcode in {-signal.SIGKILL, 0}

    for begin in (read, read, read, flip, flip):
        begin()
    for kills in range(KILLS):
        done = FLIPS * (kills + 1) // (KILLS + 1)
        until(lambda done=done: _number(flags) >= done, within=60)
        if kills % 4 == 3:
            kill(readers)
            read()
        else:
            kill(flippers)
            flip()
    until(lambda: all(not flipper.is_alive() for flipper in flippers.values()), within=60)

    after, changes = replayed(flags)
    assert len(changes) >= FLIPS
    acks = [ack for file in acknowledged for ack in written(file)]
    for ack in acks:
        assert changes[ack["number"]] == (ack["store"], ack["changes"]), "an acknowledged flip is lost"
    assert len(acks) >= len(changes) - KILLS, "a killed flipper may have left one flip unacknowledged, no more"

    last = {store: max(number for at, number in after if at == store) for store in STORES}

    def shown_last(file: Path) -> dict[str, dict[str, Any]]:
        return {str(line["store"]): line for line in written(file)}

    for file in readers:
        until(lambda file=file: {s: line["version"] for s, line in shown_last(file).items()} == last, within=10)
    acknowledged_at = {ack["number"]: ack["at"] for ack in acks}
    for file in readers:
        for store, line in shown_last(file).items():
            late = line["at"] - acknowledged_at.get(last[StoreId(store)], line["at"])
            # A second is what is promised; the rest is for a machine that is busy with seven processes.
            assert late < BEHIND, f"a reader was {late:.2f} s behind"
    mixed = [
        line
        for file in seen
        for line in written(file)
        if after.get((line["store"], line["version"])) != line["statuses"]
    ]
    assert mixed == []
    for file in seen:
        for store in STORES:
            versions = [line["version"] for line in written(file) if line["store"] == store]
            assert versions == sorted(set(versions)), "a reader went back"
    assert len(seen) == 3 + KILLS // 4


def _number(flags: SqlFlipRepository) -> int:
    return max((standing.version for standing in flags.current_statuses().values()), default=0)


def test_a_flip_killed_before_its_commit_never_happened_and_holds_nobody_up(
    where: str, database: Database, start: Start
) -> None:
    unlucky = start(environment.die_before_commit, where)
    unlucky.join(30)
    assert unlucky.exitcode == -signal.SIGKILL

    flags = SqlFlipRepository(database)
    assert flags.current_statuses() == {}
    assert flags.flip(roadmap(), PADDLE, {"browse": "active"}, by="ops").version == 1
    assert [(flip.store, flip.by) for flip in flags.history()] == [(PADDLE, "ops")]


def test_processes_that_start_at_once_share_one_new_database(
    tmp_path: Path, where: str, opened: Callable[[], Database], start: Start
) -> None:
    seen = [tmp_path / f"{number}.jsonl" for number in range(6)]
    readers = [start(environment.read_until_killed, where, str(file)) for file in seen]

    until(lambda: all(len(written(file)) == len(STORES) for file in seen), within=30)
    SqlFlipRepository(opened()).flip(roadmap(), PICKLE, {"browse": "active"}, by="ops")
    for file in seen:
        until(lambda file=file: written(file)[-1]["version"] == 1, within=10)
    assert all(reader.is_alive() for reader in readers)
