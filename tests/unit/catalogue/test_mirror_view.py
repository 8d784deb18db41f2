"""What a worker reads of a mirror: only what is on record as whole, and not what is too old to be true."""

import asyncio
import datetime as dt
from typing import Any, cast

import pytest

from storefront_mcp.catalogue.index import CatalogueIndex, IndexUnusable
from storefront_mcp.catalogue.mirror_view import MAX_REQUESTS, NEAR_PRODUCTS, StoreMirror
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.records.catalogue_mirrors import MirrorRecord

NOW = 1_800_000_000.0


class OneIndex:
    """An index that counts how often it was opened and read anew, and may be unusable."""

    def __init__(self) -> None:
        self.opened = self.refreshed = 0
        self.usable = True

    def open(self) -> CatalogueIndex:
        self.opened += 1
        self._check()
        return cast("CatalogueIndex", self)

    def refresh(self) -> bool:
        self.refreshed += 1
        self._check()
        return True

    def _check(self) -> None:
        if not self.usable:
            raise IndexUnusable("gone")


class Watched:
    """A mirror with its index and clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.one = OneIndex()
        self.mirror = StoreMirror(self.one.open, max_age=900, give_up=86_400, now=lambda: self.now)

    def tell(self, **fields: Any) -> None:
        known = {"generation": 1, "commit": 1, "as_of": NOW}
        self.mirror.update(MirrorRecord(store=StoreId("pickle"), place="here", **known | fields))


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_nothing_is_asked_of_a_mirror_that_is_not_whole(watched: Watched) -> None:
    assert watched.mirror.index is None
    watched.mirror.update(None)
    watched.tell(generation=0, building=True)

    assert watched.mirror.index is None
    assert watched.one.opened == 0


def test_it_is_opened_once_and_read_anew_when_something_was_committed(watched: Watched) -> None:
    watched.tell()
    watched.tell(as_of=NOW + 60)
    assert (watched.one.opened, watched.one.refreshed) == (1, 0)

    watched.tell(commit=2)
    watched.tell(commit=2)
    watched.tell(generation=2, commit=1)

    assert (watched.one.opened, watched.one.refreshed) == (1, 2)
    assert watched.mirror.index is not None


def test_it_says_how_old_it_is_and_is_not_asked_when_that_is_too_much(watched: Watched) -> None:
    watched.tell()
    assert watched.mirror.as_of == dt.datetime.fromtimestamp(NOW, dt.UTC)
    assert not watched.mirror.stale

    watched.now = NOW + 901
    assert watched.mirror.stale
    assert watched.mirror.index is not None

    watched.now = NOW + 86_401
    assert watched.mirror.index is None
    watched.tell(as_of=watched.now)
    assert watched.mirror.index is not None


def test_what_cannot_be_read_is_told_once_and_tried_again(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    watched.one.usable = False
    for _ in range(3):
        watched.tell()
    assert watched.mirror.index is None
    assert len(caplog.records) == 1

    watched.one.usable = True
    watched.tell()
    assert watched.mirror.index is not None

    watched.one.usable = False
    watched.tell(commit=2)
    assert watched.mirror.index is None
    assert len(caplog.records) == 2


def test_a_mirror_that_is_being_built_anew_is_not_asked(watched: Watched) -> None:
    watched.tell()
    watched.tell(generation=0, commit=0)

    assert watched.mirror.index is None
    assert watched.mirror.stale


async def test_it_is_waited_for_while_it_may_soon_be_ready(watched: Watched) -> None:
    await watched.mirror.wait_until_ready()

    watched.mirror.expect(3_600)
    waiting = asyncio.create_task(watched.mirror.wait_until_ready())
    await asyncio.sleep(0)
    watched.mirror.update(None)
    watched.tell(generation=0, building=True, read=40, total=400)
    await asyncio.sleep(0)
    assert not waiting.done()
    assert watched.mirror.is_expected

    watched.tell()
    await waiting
    assert watched.mirror.index is not None
    assert not watched.mirror.is_expected


@pytest.mark.parametrize(
    "told", [{"problem": "the shop is down"}, {"building": True, "total": NEAR_PRODUCTS + 1}], ids=["hindered", "far"]
)
async def test_it_is_not_waited_for_where_it_will_not_be_ready_soon(watched: Watched, told: dict[str, Any]) -> None:
    watched.mirror.expect(3_600)
    waiting = asyncio.create_task(watched.mirror.wait_until_ready())
    await asyncio.sleep(0)
    watched.tell(generation=0, **told)
    await waiting

    assert watched.mirror.index is None
    await watched.mirror.wait_until_ready()


async def test_it_is_not_waited_for_any_longer_than_was_allowed(watched: Watched) -> None:
    watched.mirror.expect(60)
    watched.now += 60
    await watched.mirror.wait_until_ready()

    watched.mirror.expect(0.01)
    await watched.mirror.wait_until_ready()
    assert watched.mirror.index is None


def test_requests_wait_each_once_and_not_without_bound(watched: Watched) -> None:
    watched.mirror.request(["PAD-1", "PAD-2", "PAD-1"])
    assert watched.mirror.take_requests() == ["PAD-1", "PAD-2"]
    assert watched.mirror.take_requests() == []

    watched.mirror.request(f"PAD-{number}" for number in range(MAX_REQUESTS + 5))
    assert len(watched.mirror.take_requests()) == MAX_REQUESTS
