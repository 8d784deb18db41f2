"""One demo behind one proxy for all; every test that spoils it leaves it as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.app import create_app, planned_roadmap
from storefront_mcp.database import Database, DatabaseFlags
from storefront_mcp.demo.shop import DemoShop, demo_shop
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.server import Settings
from tests.doctor.ward import OFF, Proxy
from tests.serving import free_port, served


class House(Struct):
    """A served demo and the proxy before it."""

    origin: str
    proxy: Proxy
    settings: Settings


class Backroom(Struct):
    """A served shop."""

    url: str
    shop: DemoShop
    proxy: Proxy


def opened(settings: Settings, *names: str) -> None:
    """Open phases as the command line would."""
    database = Database(settings.database)
    flags = DatabaseFlags(database)
    (store,) = settings.stores
    changes: dict[str, Status] = dict.fromkeys(names, "active")
    flags.flip(planned_roadmap(store), store.id, changes, by="a test")
    flags.close()
    database.close()


def housed(state: Path, *names: str) -> Iterator[House]:
    port = free_port()
    chosen = demo_settings(port, state=state)
    chosen = replace(chosen, stores=(replace(chosen.stores[0], limits=OFF),))
    if names:
        opened(chosen, *names)
    proxy = Proxy(create_app(chosen))
    with served(proxy, port) as origin:
        yield House(origin, proxy, chosen)


@pytest.fixture(scope="session")
def open_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from housed(tmp_path_factory.mktemp("open"), "p1_browse", "p2_cart", "p3_checkout")


@pytest.fixture(scope="session")
def planned_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from housed(tmp_path_factory.mktemp("planned"))


@pytest.fixture
def house(open_house: House) -> Iterator[House]:
    """Everything delivered is open."""
    yield open_house
    open_house.proxy.heal()


@pytest.fixture
def closed(planned_house: House) -> Iterator[House]:
    """Nothing is open yet."""
    yield planned_house
    planned_house.proxy.heal()


@pytest.fixture(scope="session")
def backroom_for_all() -> Iterator[Backroom]:
    shop = demo_shop(client_secret="right")
    proxy = Proxy(shop)
    with served(proxy) as url:
        yield Backroom(url, shop, proxy)


@pytest.fixture
def backroom(backroom_for_all: Backroom) -> Iterator[Backroom]:
    """A shop that sells pickles in Australian dollars."""
    yield backroom_for_all
    backroom_for_all.proxy.heal()
    backroom_for_all.shop.faults.clear()
