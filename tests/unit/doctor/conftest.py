"""One demo behind one proxy for all; every test that spoils it leaves it as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.app import create_app, planned_roadmap
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.server import Settings
from tests.fakes.demo_shop import ControlledShop, demo_shop
from tests.serving import free_port, served
from tests.unit.doctor.stores import OFF, Proxy


class ExaminedServer(Struct):
    """A served demo and the proxy before it."""

    origin: str
    proxy: Proxy
    settings: Settings


class ExaminedShop(Struct):
    """A served shop."""

    url: str
    shop: ControlledShop
    proxy: Proxy


def opened(settings: Settings, *names: str) -> None:
    """Open phases as the command line would."""
    database = Database(settings.database)
    flags = SqlFlipRepository(database)
    (store,) = settings.stores
    changes: dict[str, Status] = dict.fromkeys(names, "active")
    flags.flip(planned_roadmap(store), store.id, changes, by="a test")
    flags.close()
    database.close()


def housed(state: Path, *names: str, key: str | None = None) -> Iterator[ExaminedServer]:
    port = free_port()
    chosen = demo_settings(port, state=state, key=key)
    chosen = replace(chosen, stores=(replace(chosen.stores[0], limits=OFF),))
    if names:
        opened(chosen, *names)
    proxy = Proxy(create_app(chosen))
    with served(proxy, port) as origin:
        yield ExaminedServer(origin, proxy, chosen)


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExaminedServer]:
    yield from housed(tmp_path_factory.mktemp("open"), "p1_browse", "p2_cart", "p3_checkout")


@pytest.fixture(scope="session")
def planned_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExaminedServer]:
    yield from housed(tmp_path_factory.mktemp("planned"))


@pytest.fixture
def examined(open_server: ExaminedServer) -> Iterator[ExaminedServer]:
    """Everything delivered is open."""
    yield open_server
    open_server.proxy.heal()


@pytest.fixture
def closed(planned_server: ExaminedServer) -> Iterator[ExaminedServer]:
    """Nothing is open yet."""
    yield planned_server
    planned_server.proxy.heal()


@pytest.fixture(scope="session")
def examined_shop_for_all() -> Iterator[ExaminedShop]:
    shop = demo_shop(client_secret="right")
    proxy = Proxy(shop)
    with served(proxy) as url:
        yield ExaminedShop(url, shop, proxy)


@pytest.fixture
def examined_shop(examined_shop_for_all: ExaminedShop) -> Iterator[ExaminedShop]:
    """A shop that sells pickles in Australian dollars."""
    yield examined_shop_for_all
    examined_shop_for_all.proxy.heal()
    examined_shop_for_all.shop.faults.clear()
