"""Backup while the server is busy, restore, upgrade and the way back: the manual's commands, as they are."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from sqlalchemy import Column, Integer, MetaData, Table, inspect, update
from sqlalchemy.schema import CreateTable

from storefront_mcp.app import create_app
from storefront_mcp.database import Database, schema
from storefront_mcp.demo.shop import demo_shop
from storefront_mcp.settings import Settings
from tests.external.deploy.conftest import ALL_OPEN, AS_SERVED
from tests.external.deploy.files import ROOT
from tests.external.deploy.processes import run, settings_file
from tests.fakes.agent import Agent, Json, value
from tests.fakes.buyer import Buyer
from tests.guards.docs.markdown import blocks
from tests.journeys.conftest import flip
from tests.journeys.test_a_guest_orders import until_ended, wish
from tests.postgres import PostgresServer, fresh_postgres, postgres
from tests.serving import free_port, served

__all__ = ["fresh_postgres", "postgres"]

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "deployment.md"
OFF = ("address", "guest", "principal", "cart", "coupons", "coupon", "carts", "orders", "failed")
LATER = Table("later", MetaData(), Column("number", Integer))
"""What only a newer version has. Left behind, it would be in that version's way the next time."""
PAUSE = 0.01
"""Seconds between two looks at how far they are."""
VERSIONS = ("2025-11-25", "2026-07-28")


class Place(Struct, frozen=True):
    """A shop, the settings of a server for it, and how the manual says to keep its database."""

    kind: str
    folder: Path
    settings: Settings
    variables: Mapping[str, str]

    def follow(self, name: str) -> None:
        """Run a block of the manual, from the folder of the database."""
        (block,) = [block for block in blocks(PAGE) if block.text.startswith(f"# {name}: {self.kind}\n")]
        done = subprocess.run(
            ["sh", "-euc", block.text],
            cwd=self.folder,
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        readable = [path.name for path in self.folder.glob("*.d[bu]*") if path.stat().st_mode & 0o077]
        assert readable == [], "by others than their owner"

    def told(self, *command: str) -> subprocess.CompletedProcess[str]:
        """What a command of ours says of the place."""
        return run(self.folder, *command)


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The shop behind it all; it outlives every restore."""
    port = free_port()
    with served(demo_shop(base_url=f"http://127.0.0.1:{port}"), port) as origin:
        yield origin


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request: pytest.FixtureRequest, tmp_path: Path, shop: str) -> Iterator[Place]:
    """A store whose database is of either kind."""
    above, variables, drop = "", {}, None
    if request.param == "PostgreSQL":
        server: PostgresServer = request.getfixturevalue("postgres")
        name = f"kept_{free_port()}"
        server.run(f"CREATE DATABASE {name}")
        url = server.url(name)
        above, variables = f'database = "{url}"\n', {"DATABASE": url}
        drop = lambda: server.run(f"DROP DATABASE {name} WITH (FORCE)")  # noqa: E731
    limits = ", ".join(f'{limit} = "off"' for limit in OFF)
    path = settings_file(
        tmp_path, free_port(), kind="maho", more=f', url = "{shop}"', above=above, below=f"limits = {{ {limits} }}\n"
    )
    settings = Settings.load(path, {})
    flip(settings, ALL_OPEN)
    yield Place(request.param, tmp_path, settings, variables)
    if drop is not None:
        drop()


class Shoppers:
    """Agents who never stop, and what they have been told so far."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.carts: dict[str, Json] = {}
        self.checkouts: dict[str, Json] = {}
        self.ended = False

    async def shop(self, version: str) -> None:
        """Fill carts, prepare orders, tell nobody."""
        async with Agent(self._origin, version) as agent:
            while not self.ended:
                cart = value(await agent.call("create_cart"))["cart_id"]
                self.carts[cart] = value(await agent.call("add_to_cart", cart_id=cart, sku="JAR-DILL", quantity=2))
                prepared = value(await agent.call("place_order", **await wish(agent)))
                self.checkouts[prepared["checkout_id"]] = prepared

    async def busy(self, more: int) -> None:
        """Until they have got so much further."""
        wanted = len(self.checkouts) + more
        async with asyncio.timeout(60):
            while len(self.checkouts) < wanted:  # noqa: ASYNC110 -- the loop of each shopper makes the condition true
                await asyncio.sleep(PAUSE)


async def with_shoppers(origin: str, story: Callable[[Shoppers], Any]) -> None:
    """Tell a story while they shop; whatever one of them could not do fails it."""
    shoppers = Shoppers(origin)
    async with asyncio.TaskGroup() as shopping:
        for version in (*VERSIONS, *VERSIONS):
            shopping.create_task(shoppers.shop(version))
        try:
            await story(shoppers)
        finally:
            shoppers.ended = True


async def test_a_backup_under_load_brings_back_flips_carts_and_checkouts(place: Place) -> None:
    kept: dict[str, dict[str, Json]] = {}

    async def story(shoppers: Shoppers) -> None:
        await shoppers.busy(4)
        kept.update(carts=dict(shoppers.carts), checkouts=dict(shoppers.checkouts))
        await asyncio.to_thread(place.follow, "backup")
        await shoppers.busy(4)

    with served(create_app(place.settings), place.settings.port, **AS_SERVED) as origin:
        await with_shoppers(origin, story)
    flip(place.settings, {"p3_checkout": "paused"})
    place.follow("restore")

    history = json.loads(place.told("phases", "history", "--json").stdout)["flips"]
    assert {(one["phase"], one["after"]) for one in history} == set(ALL_OPEN.items())
    assert place.told("audit", "verify").returncode == 0
    with served(create_app(place.settings), place.settings.port, **AS_SERVED) as origin:
        async with Agent(origin, VERSIONS[0]) as agent, Buyer() as buyer:
            assert "place_order" in await agent.tools()
            for cart, shown in kept["carts"].items():
                assert value(await agent.call("view_cart", cart_id=cart)) == shown
            for checkout, prepared in kept["checkouts"].items():
                assert value(await agent.call("get_order_status", checkout_id=checkout)) == prepared
            await buyer.pays(prepared["continue_url"])
            assert (await until_ended(agent, checkout))["status"] == "completed"


async def test_a_newer_versions_database_is_refused_and_the_backup_is_the_way_back(place: Place) -> None:
    place.follow("backup")
    flip(place.settings, {"p3_checkout": "paused"})
    database = Database(place.settings.database)
    with database.writing() as connection:
        connection.execute(update(schema.VERSION).values(version_num="9999"))
        connection.execute(CreateTable(LATER))
    database.close()

    refused = place.told("serve", "--port", str(free_port()))
    assert refused.returncode == 2
    assert "newer storefront-mcp" in refused.stderr
    assert "Traceback" not in refused.stderr

    for step in ("restore", "backup", "restore"):
        place.follow(step)
    assert place.told("phases").returncode == 0
    database = Database(place.settings.database)
    with database.reading() as connection:
        assert LATER.name not in inspect(connection).get_table_names()
    database.close()
    with served(create_app(place.settings), place.settings.port, **AS_SERVED) as origin:
        async with Agent(origin, VERSIONS[0]) as agent:
            assert "place_order" in await agent.tools()
