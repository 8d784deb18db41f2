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

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app.cache_health import CacheHealthCheck
from storefront_mcp.app.diagnostics import store_internals
from storefront_mcp.app.health_checks import StoreHealthChecks
from storefront_mcp.backends.cache import TtlCache, merged_stats
from storefront_mcp.backends.probe import ProbeFailed, ProbeResponse
from storefront_mcp.commerce.backend import CacheStats
from storefront_mcp.database.engine import Database
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.doctor import ExaminationSubject
from storefront_mcp.findings import Finding, ok
from storefront_mcp.payments.key_probe import KeyCheck
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import PaymentSettings
from tests.unit.limits.conftest import CountingServer, own_server

pytestmark = pytest.mark.slow

__all__ = ["own_server"]

NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
NOTHING = CacheStats(kept=0, hits=0, misses=0)
STRIPE = PaymentSettings(provider="stripe", secret_key=Secret("sk_test_1"))


class FakeProbe:
    """A shop that says what it is told to."""

    software = "Maho"
    interface = "REST v2"
    address = "https://shop.pickle.example"
    since = "26.7"

    def __init__(self, said: ProbeResponse | Exception | None, *, speaks: bool = True, off: bool = False) -> None:
        self.said = said
        self._speaks = speaks
        self._off = off
        self.responses: list[ProbeResponse] = []
        self.closed = False

    async def hello(self) -> ProbeResponse:
        if self.said is None:
            await asyncio.Event().wait()
        if isinstance(self.said, Exception):
            raise self.said
        assert self.said is not None
        return self.said

    def speaks(self, heard: ProbeResponse) -> bool:
        return self._speaks

    def is_switched_off(self, heard: ProbeResponse) -> bool:
        return self._off

    switched_off = ("has its interface switched off", "Switch it on.")

    async def close(self) -> None:
        self.closed = True


class FakeKey(Struct):
    said: KeyCheck
    provider: str = "Stripe"
    mode: Any = "test"
    secret: bool = True
    webhooks: bool = True
    malformed_webhooks: int = 0

    async def key(self) -> KeyCheck:
        return self.said


def heard(*, status: int = 200, seconds: float = 0.1, late: float = 0) -> ProbeResponse:
    when = NOW - dt.timedelta(seconds=late)
    headers = {"date": when.strftime("%a, %d %b %Y %H:%M:%S GMT")} if late >= 0 else {}
    url = "https://shop.pickle.example"
    return ProbeResponse(
        url=url, status=status, media_type="application/json", headers=headers, body=b"{}", seconds=seconds
    )


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
        stats: CacheStats = NOTHING,
        limits_store: str | None = None,
    ) -> dict[str, Finding]:
        store = replace(demo_settings(8000, state=self.folder).stores[0], payments=payments)
        given: Any = {"probe": probe, "key": FakeKey(KeyCheck(accepted=True)) if key is None else key or None}
        looks = StoreHealthChecks(
            lambda: ExaminationSubject(behind=replace(store_internals(store), **given)),
            DatabaseReadiness(self.database),
            rests=lambda: rests,
            cache=CacheHealthCheck(lambda: stats, limits_store),
            forwarding=lambda: ok("They are."),
            now=lambda: NOW,
        )
        found = dict(await looks.check())
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
    assert {title: finding.level for title, finding in found.items()} == {
        "Shop": "ok",
        "Clock": "ok",
        "Database": "ok",
        "Cache": "ok",
        "Mirror": "ok",
        "Payment": "ok",
        "Client addresses": "ok",
    }
    assert "storefront.db takes" in found["Database"].says
    assert str(ward.folder) not in found["Database"].says


@pytest.mark.parametrize(
    ("probe", "level", "text"),
    [
        (FakeProbe(ProbeFailed("https://shop", "nobody listens", "refused")), "fault", "nobody listens"),
        (FakeProbe(heard(), off=True), "fault", "switched off"),
        (FakeProbe(heard(status=503)), "fault", "is not available (503)"),
        (FakeProbe(heard(), speaks=False), "fault", "does not speak Maho's REST v2"),
    ],
)
async def test_a_shop_in_trouble(ward: Ward, probe: FakeProbe, level: str, text: str) -> None:
    shop = (await ward.look(probe))["Shop"]
    assert (shop.level, text in shop.says) == (level, True)


async def test_a_shop_that_answers_slowly(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.app.health_checks.SLOW_SHOP_SECONDS", 0)
    shop = (await ward.look(FakeProbe(heard())))["Shop"]
    assert (shop.level, "for a simple question" in shop.says) == ("warning", True)


async def test_a_shop_that_says_nothing(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.app.health_checks.CHECK_TIMEOUT_SECONDS", 0.01)
    found = await ward.look(FakeProbe(None))
    assert "did not end within" in found["Shop"].says


async def test_a_shop_that_is_given_a_rest(ward: Ward) -> None:
    assert (await ward.look(FakeProbe(heard()), rests=True))["Shop"].level == "warning"


@pytest.mark.parametrize(("late", "level"), [(0, "ok"), (4, "ok"), (90, "warning"), (900, "fault")])
async def test_clocks_that_differ(ward: Ward, late: float, level: str) -> None:
    assert (await ward.look(FakeProbe(heard(late=late))))["Clock"].level == level


async def test_a_demo_shop_that_does_not_say_what_time_it_is_has_our_clock(ward: Ward) -> None:
    assert (await ward.look(FakeProbe(heard(late=-1))))["Clock"].level == "ok"


@pytest.mark.parametrize(
    ("payments", "key", "level", "text"),
    [
        (PaymentSettings(), None, "note", "Nobody could pay."),
        (PaymentSettings(offline=("banktransfer",)), False, "ok", "banktransfer"),
        (PaymentSettings(provider="sandbox"), False, "ok", "no money moves"),
        (STRIPE, FakeKey(KeyCheck(accepted=None, said="timeout")), "warning", "could not be asked: timeout"),
        (
            STRIPE,
            FakeKey(KeyCheck(accepted=False, said="expired")),
            "fault",
            "secret_key: expired",
        ),
        (STRIPE, FakeKey(KeyCheck(accepted=True), webhooks=False), "note", "events cannot be verified"),
        (STRIPE, FakeKey(KeyCheck(accepted=True), mode=None), "ok", "Buyers pay by stripe."),
    ],
)
async def test_ways_to_be_paid(ward: Ward, payments: PaymentSettings, key: Any, level: str, text: str) -> None:
    found = (await ward.look(FakeProbe(heard()), payments=payments, key=key))["Payment"]
    assert (found.level, text in found.says) == (level, True)


@pytest.mark.parametrize("why", ["has the tables of another version", None])
async def test_a_database_in_trouble(ward: Ward, monkeypatch: pytest.MonkeyPatch, why: str | None) -> None:
    def unready(_readiness: DatabaseReadiness) -> str | None:
        if why is None:
            raise httpx.HTTPError("the disk is full")
        return why

    monkeypatch.setattr(DatabaseReadiness, "unready_reason", unready)
    found = (await ward.look(FakeProbe(heard())))["Database"]
    assert found.level == "fault"
    assert (why or "the disk is full") in found.says


@pytest.mark.parametrize(
    ("stats", "text"),
    [
        (NOTHING, "has not needed its memory"),
        (
            CacheStats(kept=1_204, hits=970, misses=30),
            "remembers 1,204 answers of the shop: 970 of 1,000 look-ups (97%) did not",
        ),
        (CacheStats(kept=0, hits=0, misses=3), "0 of 3 look-ups (0%)"),
    ],
)
async def test_what_a_worker_remembers(ward: Ward, stats: CacheStats, text: str) -> None:
    cache = (await ward.look(FakeProbe(heard()), stats=stats))["Cache"]
    assert (cache.level, cache.fix) == ("ok", None)
    assert text in cache.says


def test_memory_counts_what_it_was_good_for() -> None:
    now = 0.0
    near: TtlCache[str, int] = TtlCache(size=2, seconds=10, clock=lambda: now)
    far: TtlCache[str, int] = TtlCache(size=2, seconds=10, clock=lambda: now)
    for name in ("a", "b", "c"):
        near[name] = 1
    assert (near.find("a"), near.find("b"), near.find("c")) == (None, 1, 1)
    now = 20.0
    assert near.find("c") is None
    assert near.stats == CacheStats(kept=0, hits=2, misses=2)
    far.find("a")
    assert merged_stats([near, far]) == CacheStats(kept=0, hits=2, misses=3)


async def test_a_store_of_limits_that_is_gone_and_comes_back(ward: Ward, own_server: CountingServer) -> None:
    url = f"valkey://shop:hunter2@127.0.0.1:{own_server.port}"
    gone = (await ward.look(FakeProbe(heard()), limits_store=url))["Cache"]
    assert gone.level == "warning"
    assert "does not answer (ConnectionError)" in gone.says
    assert "Shopping goes on." in gone.says
    assert gone.fix == f"Start 127.0.0.1:{own_server.port}, or put limits_store right."
    assert "hunter2" not in gone.says

    own_server.start()
    there = (await ward.look(FakeProbe(heard()), limits_store=own_server.url))["Cache"]
    assert there.level == "ok"
    assert f"127.0.0.1:{own_server.port}, which answers in" in there.says


async def test_a_store_of_limits_is_waited_for_no_longer_than_by_a_call(ward: Ward) -> None:
    """The connection is there, and nothing is said."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        async with asyncio.timeout(60):
            cache = (await ward.look(FakeProbe(heard()), limits_store=url))["Cache"]
    assert cache.level == "warning"
    assert "does not answer (TimeoutError)" in cache.says


async def test_a_shared_catalogue_that_is_gone_and_comes_back(own_server: CountingServer) -> None:
    look = CacheHealthCheck(lambda: NOTHING, None, shared=own_server.url)
    gone = await look.check()
    assert gone.level == "warning"
    assert "each worker remembers the shop for itself. Shopping goes on." in gone.says
    assert gone.fix == f"Start 127.0.0.1:{own_server.port}, or put catalogue.shared right."

    own_server.start()
    there = await look.check()
    await look.close()
    assert there.level == "ok"
    assert "Workers share what the shop said at 127.0.0.1" in there.says


async def test_one_connection_serves_every_look(own_server: CountingServer) -> None:
    own_server.start()
    look = CacheHealthCheck(lambda: NOTHING, own_server.url)
    assert [(await look.check()).level for _ in range(3)] == ["ok"] * 3
    await look.close()
