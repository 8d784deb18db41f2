"""Cart and checkout close while the shop is in maintenance mode, and open again, on record."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from storefront_mcp.app import planned_roadmap
from storefront_mcp.app.maintenance_watch import CLOSED_BY, OPENED_BY, REASON, MaintenanceWatch, WatchedShop
from storefront_mcp.backends.maho import MahoConfig
from storefront_mcp.backends.maho.probe import MahoProbe
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.demo.models import ShopRules
from storefront_mcp.roadmap.terms import FlipTerms
from storefront_mcp.settings.schema import PaymentSettings
from tests.fakes.demo_shop import demo_shop
from tests.unit.doctor.stores import settings

ALL = ("p1_browse", "p2_cart", "p3_checkout")


class WatchedStore:
    """A store with all phases open, its shop, and two workers that watch it."""

    def __init__(self, tmp_path: Path) -> None:
        self.shop = demo_shop()
        (store,) = settings(tmp_path, "http://shop.test", payments=PaymentSettings(offline=("checkmo",))).stores
        self.planned = planned_roadmap(store)
        self.id: StoreId = store.id
        self.database = Database(settings(tmp_path, None).database)
        self.flips = SqlFlipRepository(self.database)
        self.flips.flip(self.planned, self.id, dict.fromkeys(ALL[:2], "active"), by="ada")
        self.flips.flip(self.planned, self.id, {ALL[2]: "active"}, by="ada", terms=FlipTerms(share=10.0))
        self.watches = [MaintenanceWatch({self.id: self._watched()}, self.flips) for _ in range(2)]

    def _watched(self) -> WatchedShop:
        transport = httpx.ASGITransport(self.shop)
        probe = MahoProbe(MahoConfig(url="http://shop.test"), "AUD", transport=transport)
        return WatchedShop(planned=self.planned, probe=probe)

    def close_for_people(self, *, maintenance: bool) -> None:
        self.shop.state.rules = ShopRules(maintenance=maintenance)

    async def look(self, times: int = 2) -> None:
        for _ in range(times):
            for watch in self.watches:
                await watch.look()

    @property
    def statuses(self) -> list[str]:
        recorded = self.flips.current_statuses()[self.id].statuses
        return [recorded[phase] for phase in ALL]

    @property
    def flips_of_the_watch(self) -> list[tuple[str, str, str]]:
        return [(one.phase, one.after, one.by) for one in self.flips.history(self.id) if one.by != "ada"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[WatchedStore]:
    made = WatchedStore(tmp_path)
    yield made
    made.flips.close()
    made.database.close()


async def test_what_writes_is_paused_in_maintenance_and_opened_after_it_once_by_all_workers(
    store: WatchedStore,
) -> None:
    await store.look()
    assert store.statuses == ["active", "active", "active"]
    store.close_for_people(maintenance=True)
    await store.look(1)
    assert store.statuses == ["active", "active", "active"], "one 503 may be a hiccup"
    await store.look(3)
    assert store.statuses == ["active", "paused", "paused"]
    assert store.flips.current_statuses()[store.id].terms["p2_cart"] == FlipTerms(reason=REASON)
    store.close_for_people(maintenance=False)
    await store.look()
    assert store.statuses == ["active", "active", "active"]
    recorded = store.flips.current_statuses()[store.id]
    assert recorded.terms["p3_checkout"].share == 10.0, "for whom it was open before"
    assert store.flips_of_the_watch == [
        ("p2_cart", "paused", CLOSED_BY),
        ("p3_checkout", "paused", CLOSED_BY),
        ("p2_cart", "active", OPENED_BY),
        ("p3_checkout", "active", OPENED_BY),
    ]


async def test_what_an_operator_flips_meanwhile_stays(store: WatchedStore) -> None:
    store.flips.flip(store.planned, store.id, {"p3_checkout": "paused"}, by="ada")
    store.close_for_people(maintenance=True)
    await store.look()
    assert store.statuses == ["active", "paused", "paused"]
    store.flips.flip(store.planned, store.id, {"p2_cart": "active"}, by="ada")
    await store.look(3)
    assert store.statuses == ["active", "active", "paused"]
    store.close_for_people(maintenance=False)
    await store.look()
    assert store.statuses == ["active", "active", "paused"], "what ada paused is hers to open"


async def test_a_shop_that_does_not_answer_is_not_in_maintenance(
    store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_self: object, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("", request=request)

    monkeypatch.setattr(httpx.ASGITransport, "handle_async_request", silent)
    await store.look(3)
    assert store.flips_of_the_watch == []


async def test_it_watches_until_it_is_told_to_stop(store: WatchedStore) -> None:
    async with store.watches[0].running():
        pass
