"""What a look at health says of each trouble, and what to do about it."""

import asyncio
import datetime as dt
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.app.caches import CacheLook
from storefront_mcp.app.checkups import Checkups
from storefront_mcp.backends.memory import Recall, Remembered, together
from storefront_mcp.backends.probing import Heard, Unheard
from storefront_mcp.calls.credentials import Secret
from storefront_mcp.database.engine import Database
from storefront_mcp.payments.probing import Key
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.shape import PaymentSettings
from storefront_mcp.web.console.books import Finding
from tests.limits.conftest import CountingServer, own_server

__all__ = ["own_server"]

NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
NOTHING = Recall(kept=0, hits=0, misses=0)
STRIPE = PaymentSettings(provider="stripe", secret_key=Secret("sk_test_1"))


class FakeProbe:
    """A shop that says what it is told to."""

    software = "Maho"
    interface = "REST v2"
    address = "https://shop.pickle.example"

    def __init__(self, said: Heard | Exception | None, *, speaks: bool = True, off: bool = False) -> None:
        self.said = said
        self._speaks = speaks
        self._off = off
        self.closed = False

    async def hello(self) -> Heard:
        if self.said is None:
            await asyncio.Event().wait()
        if isinstance(self.said, Exception):
            raise self.said
        assert self.said is not None
        return self.said

    def speaks(self, heard: Heard) -> bool:
        return self._speaks

    def switched_off(self, heard: Heard) -> bool:
        return self._off

    async def close(self) -> None:
        self.closed = True


class FakeKey(Struct):
    said: Key
    provider: str = "Stripe"
    mode: Any = "test"
    secret: bool = True
    webhooks: bool = True

    async def key(self) -> Key:
        return self.said


def heard(*, status: int = 200, seconds: float = 0.1, late: float = 0) -> Heard:
    when = NOW - dt.timedelta(seconds=late)
    headers = {"date": when.strftime("%a, %d %b %Y %H:%M:%S GMT")} if late >= 0 else {}
    url = "https://shop.pickle.example"
    return Heard(url=url, status=status, media_type="application/json", headers=headers, body=b"{}", seconds=seconds)


class Ward:
    """Looks, with everything but one thing well."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "storefront.db")
        self.folder = folder

    async def look(
        self,
        probe: FakeProbe,
        *,
        payments: PaymentSettings = STRIPE,
        key: Any = None,
        rests: bool = False,
        recall: Recall = NOTHING,
        limits_store: str | None = None,
    ) -> dict[str, Finding]:
        store = replace(demo_settings(8000, state=self.folder).stores[0], payments=payments)
        given: Any = (probe, FakeKey(Key(accepted=True)) if key is None else key or None)
        looks = Checkups(
            store,
            self.database,
            probes=lambda: given,
            rests=lambda: rests,
            cache=CacheLook(lambda: recall, limits_store),
            now=lambda: NOW,
        )
        found = {finding.title: finding for finding in await looks.look()}
        await looks.close()
        assert probe.closed
        return found


@pytest.fixture
def ward(tmp_path: Path) -> Any:
    ward = Ward(tmp_path)
    yield ward
    ward.database.close()


async def test_all_is_well(ward: Ward) -> None:
    found = await ward.look(FakeProbe(heard()))
    assert {title: finding.standing for title, finding in found.items()} == {
        "Shop": "good",
        "Clock": "good",
        "Database": "good",
        "Cache": "good",
        "Payment": "good",
    }
    assert "storefront.db takes" in found["Database"].text
    assert str(ward.folder) not in found["Database"].text


@pytest.mark.parametrize(
    ("probe", "standing", "text"),
    [
        (FakeProbe(Unheard("https://shop", "nobody listens", "refused")), "bad", "nobody listens"),
        (FakeProbe(heard(), off=True), "bad", "switched off"),
        (FakeProbe(heard(status=503)), "bad", "answers with 503"),
        (FakeProbe(heard(), speaks=False), "bad", "not as Maho"),
        (FakeProbe(heard(seconds=4)), "warn", "4000 ms"),
    ],
)
async def test_a_shop_in_trouble(ward: Ward, probe: FakeProbe, standing: str, text: str) -> None:
    shop = (await ward.look(probe))["Shop"]
    assert (shop.standing, text in shop.text) == (standing, True)


async def test_a_shop_that_says_nothing(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.app.checkups.PATIENCE", 0.01)
    assert "did not answer" in (await ward.look(FakeProbe(None)))["Shop"].text


async def test_a_shop_that_is_given_a_rest(ward: Ward) -> None:
    assert (await ward.look(FakeProbe(heard()), rests=True))["Shop"].standing == "warn"


@pytest.mark.parametrize(("late", "standing"), [(0, "good"), (4, "good"), (90, "warn"), (-1, "good")])
async def test_clocks_that_differ(ward: Ward, late: float, standing: str) -> None:
    assert (await ward.look(FakeProbe(heard(late=late))))["Clock"].standing == standing


@pytest.mark.parametrize(
    ("payments", "key", "standing", "text"),
    [
        (PaymentSettings(), None, "warn", "nobody could pay"),
        (PaymentSettings(offline=("banktransfer",)), None, "good", "banktransfer"),
        (PaymentSettings(provider="sandbox"), None, "warn", "no money moves"),
        (STRIPE, False, "bad", "no key"),
        (STRIPE, FakeKey(Key(accepted=None, said="timeout")), "bad", "cannot be asked: timeout"),
        (STRIPE, FakeKey(Key(accepted=False, said="expired")), "bad", "refuses the key: expired"),
        (STRIPE, FakeKey(Key(accepted=True), webhooks=False), "warn", "believe its webhooks"),
        (STRIPE, FakeKey(Key(accepted=True), mode=None), "good", "takes the key."),
    ],
)
async def test_ways_to_be_paid(ward: Ward, payments: PaymentSettings, key: Any, standing: str, text: str) -> None:
    found = (await ward.look(FakeProbe(heard()), payments=payments, key=key))["Payment"]
    assert (found.standing, text in found.text) == (standing, True)


@pytest.mark.parametrize("why", ["the tables are of another version", None])
async def test_a_database_in_trouble(ward: Ward, monkeypatch: pytest.MonkeyPatch, why: str | None) -> None:
    def unready(_database: Database) -> str | None:
        if why is None:
            raise httpx.HTTPError("the disk is full")
        return why

    monkeypatch.setattr("storefront_mcp.app.checkups.unready", unready)
    found = (await ward.look(FakeProbe(heard())))["Database"]
    assert found.standing == "bad"
    assert (why or "the disk is full") in found.text


@pytest.mark.parametrize(
    ("recall", "text"),
    [
        (NOTHING, "has not needed its memory"),
        (
            Recall(kept=1_204, hits=970, misses=30),
            "remembers 1,204 answers of the shop: 970 of 1,000 look-ups (97%) did not",
        ),
        (Recall(kept=0, hits=0, misses=3), "0 of 3 look-ups (0%)"),
    ],
)
async def test_what_a_worker_remembers(ward: Ward, recall: Recall, text: str) -> None:
    cache = (await ward.look(FakeProbe(heard()), recall=recall))["Cache"]
    assert (cache.standing, cache.fix) == ("good", "")
    assert text in cache.text


def test_memory_counts_what_it_was_good_for() -> None:
    now = 0.0
    near: Remembered[str, int] = Remembered(size=2, seconds=10, clock=lambda: now)
    far: Remembered[str, int] = Remembered(size=2, seconds=10, clock=lambda: now)
    for name in ("a", "b", "c"):
        near.keep(name, 1)
    assert (near.find("a"), near.find("b"), near.find("c")) == (None, 1, 1)
    now = 20.0
    assert near.find("c") is None
    assert near.recall == Recall(kept=1, hits=2, misses=2)
    far.find("a")
    assert together([near, far]) == Recall(kept=1, hits=2, misses=3)


async def test_a_store_of_limits_that_is_gone_and_comes_back(ward: Ward, own_server: CountingServer) -> None:
    url = f"valkey://shop:hunter2@127.0.0.1:{own_server.port}"
    gone = (await ward.look(FakeProbe(heard()), limits_store=url))["Cache"]
    assert gone.standing == "warn"
    assert "does not answer (ConnectionError)" in gone.text
    assert "Shopping goes on." in gone.text
    assert gone.fix == f"Start 127.0.0.1:{own_server.port}, or put limits_store right."
    assert "hunter2" not in gone.text

    own_server.start()
    there = (await ward.look(FakeProbe(heard()), limits_store=own_server.url))["Cache"]
    assert there.standing == "good"
    assert f"127.0.0.1:{own_server.port}, which answers in" in there.text


async def test_a_store_of_limits_is_waited_for_no_longer_than_by_a_call(ward: Ward) -> None:
    """The connection is there, and nothing is said."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        async with asyncio.timeout(3):
            cache = (await ward.look(FakeProbe(heard()), limits_store=url))["Cache"]
    assert cache.standing == "warn"
    assert "does not answer (TimeoutError)" in cache.text


async def test_one_connection_serves_every_look(own_server: CountingServer) -> None:
    own_server.start()
    look = CacheLook(lambda: NOTHING, own_server.url)
    assert [(await look.look())[0].standing for _ in range(3)] == ["good"] * 3
    await look.close()
