"""Flips as one process lives them: checked, written down, shown."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.refresher import RoadmapRefresher
from storefront_mcp.roadmap.roadmap import TRANSITIONS, FlipRefused, Roadmap
from tests.chaos.flips.environment import DAY, PADDLE, PICKLE, STORES, phase, roadmap, statuses
from tests.often import often

pytestmark = pytest.mark.slow

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)


@pytest.fixture
def flags(database: Database) -> SqlFlipRepository:
    return SqlFlipRepository(database, now=lambda: NOW)


def test_a_flip_is_on_record_with_who_and_when(flags: SqlFlipRepository) -> None:
    standing = flags.flip(roadmap(), PICKLE, {"browse": "active", "cart": "active"}, by="ops")

    assert standing.version == 1
    assert standing.statuses == {"browse": "active", "cart": "active"}
    assert flags.current_statuses() == {PICKLE: standing}
    assert [(f.number, f.phase, f.before, f.after, f.by, f.at) for f in flags.history()] == [
        (1, "browse", "planned", "active", "ops", NOW),
        (1, "cart", "planned", "active", "ops", NOW),
    ]


def test_stores_flip_apart_and_share_the_numbers(flags: SqlFlipRepository) -> None:
    flags.flip(roadmap(), PICKLE, {"browse": "active"}, by="ops")
    flags.flip(roadmap(), PADDLE, {"browse": "active"}, by="nights")
    flags.flip(roadmap(), PICKLE, {"browse": "paused"}, by="ops")

    standing = flags.current_statuses()
    assert (standing[PICKLE].version, standing[PICKLE].statuses) == (3, {"browse": "paused"})
    assert (standing[PADDLE].version, standing[PADDLE].statuses) == (2, {"browse": "active"})
    assert [flip.number for flip in flags.history(PICKLE)] == [1, 3]


def test_a_refused_flip_leaves_no_trace(flags: SqlFlipRepository) -> None:
    planned = roadmap(phase(1, "browse"), phase(2, "cart", "browse", delivered=False, missing=("Set up payment.",)))
    with pytest.raises(FlipRefused) as refused:
        flags.flip(planned, PICKLE, {"cart": "active", "kart": "active"}, by="ops")

    assert refused.value.complaints == (
        "kart: there is no such phase; there are browse, cart.",
        "cart: look_cart is promised but not delivered yet.",
        "cart: Set up payment.",
        "cart: requires browse, which would be planned; flip both together or browse first.",
    )
    assert flags.history() == []
    with pytest.raises(FlipRefused, match="Name at least one phase"):
        flags.flip(planned, PICKLE, {}, by="ops")


def test_a_flip_is_checked_against_the_record_and_not_against_what_was_seen(database: Database) -> None:
    ops, nights = SqlFlipRepository(database), SqlFlipRepository(database)
    assert nights.current_statuses() == {}
    ops.flip(roadmap(), PICKLE, {"browse": "active"}, by="ops")
    with pytest.raises(FlipRefused, match="browse: is active and cannot become active, only paused"):
        nights.flip(roadmap(), PICKLE, {"browse": "active"}, by="nights")


def test_changed_speaks_of_flips_only_and_until_they_are_read(opened: Callable[[], Database]) -> None:
    flags, other = SqlFlipRepository(opened()), SqlFlipRepository(opened())
    assert flags.has_changed()
    flags.current_statuses()
    assert not flags.has_changed()

    other.flip(roadmap(), PICKLE, {"browse": "active"}, by="ops")
    assert [flags.has_changed(), flags.has_changed()] == [True, True]
    flags.current_statuses()
    assert not flags.has_changed()

    flags.flip(roadmap(), PICKLE, {"browse": "paused"}, by="ops")
    assert flags.has_changed(), "our own flips count too"


class Flipping(RuleBasedStateMachine):
    """Two people flip two stores at random; a watch shows what the record says, never anything else."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name) / "storefront.db"
        self.databases = [Database(path) for _ in range(4)]
        self.flags = [SqlFlipRepository(database) for database in self.databases[:3]]
        self.planned = roadmap()
        self.model: dict[StoreId, dict[str, Status]] = {store: statuses(self.planned) for store in STORES}
        self.versions: dict[StoreId, int] = dict.fromkeys(STORES, 0)
        self.number = 0
        self.shown: dict[StoreId, Roadmap] = {}
        self.watch = RoadmapRefresher(
            dict.fromkeys(STORES, self.planned),
            SqlFlipRepository(self.databases[3]),
            self.shown.__setitem__,
            today=lambda: DAY,
        )
        self.watch.refresh()

    @rule(
        who=st.integers(0, 1),
        store=st.sampled_from(STORES),
        changes=st.dictionaries(
            st.sampled_from(["browse", "cart", "checkout", "care"]),
            st.sampled_from(["planned", "active", "active", "paused", "retired"]),
            min_size=1,
        ),
    )
    def flip(self, who: int, store: StoreId, changes: dict[str, Status]) -> None:
        before = self.model[store]
        after = before | changes
        legal = all(wanted in TRANSITIONS[before[name]] for name, wanted in changes.items()) and all(
            after[needed] == "active"
            for each in self.planned.phases
            if after[each.name] == "active"
            for needed in each.manifest.requires
        )
        if not legal:
            with pytest.raises(FlipRefused):
                self.flags[who].flip(self.planned, store, changes, by="ops")
            return
        standing = self.flags[who].flip(self.planned, store, changes, by="ops")
        self.number += 1
        assert standing.version == self.number
        self.model[store] = after
        self.versions[store] = self.number

    @rule()
    def look(self) -> None:
        self.watch.poll()
        for store in STORES:
            assert statuses(self.shown[store]) == self.model[store]
            assert self.shown[store].version == self.versions[store]

    @invariant()
    def the_record_is_whole(self) -> None:
        state = {store: statuses(self.planned) for store in STORES}
        for flip in self.flags[0].history():
            assert state[flip.store][flip.phase] == flip.before
            state[flip.store][flip.phase] = flip.after
        assert state == self.model

    def teardown(self) -> None:
        self.watch.close()
        for database in self.databases:
            database.close()
        self.folder.cleanup()


Flipping.TestCase.settings = settings(max_examples=often(12), stateful_step_count=25, deadline=None)
TestFlipping = Flipping.TestCase
