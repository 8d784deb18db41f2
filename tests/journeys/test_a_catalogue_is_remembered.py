"""Agents read what was read before, hear how old it is, browse on while the shop is down, and see what has changed."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.cli import main
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_changes import SqlCatalogueChanges
from storefront_mcp.records.catalogue_changes import EVERYTHING
from storefront_mcp.settings.catalogue import StoreCatalogueSettings
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import UpstreamSettings
from storefront_mcp.settings.server import Settings
from tests.fakes.agent import Agent, refusal, value
from tests.fakes.demo_faults import FaultRates
from tests.fakes.demo_shop import ControlledShop, demo_shop
from tests.journeys.conftest import flip, unhurried
from tests.serving import free_port, served

pytestmark = pytest.mark.slow

KEY = bytes(range(32))
VERSION = "2026-07-28"


def settings_of(state: Path, shop: str, **ages: int) -> Settings:
    """A store in front of a shop at another address, with everything open."""
    made = unhurried(demo_settings(free_port(), state=state))
    catalogue = StoreCatalogueSettings(webhook_secret=Secret(base64.b64encode(KEY).decode()), **ages)
    (store,) = made.stores
    store = replace(store, upstream=UpstreamSettings(kind="maho", url=shop), catalogue=catalogue)
    settings = replace(made, stores=(store,))
    flip(settings, {"p1_browse": "active", "p2_cart": "active"})
    return settings


@pytest.fixture
def shop() -> Iterator[tuple[str, ControlledShop]]:
    controlled = demo_shop()
    with served(controlled) as origin:
        yield origin, controlled


def signed(body: bytes, *, at: float | None = None, key: bytes = KEY) -> dict[str, str]:
    moment = str(int(time.time() if at is None else at))
    signature = hmac.new(key, b"msg_1." + moment.encode() + b"." + body, hashlib.sha256).digest()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,AAAA v1,{base64.b64encode(signature).decode()}",
    }


def tell(origin: str, body: bytes) -> int:
    return httpx.post(f"{origin}/webhooks/shop", content=body, headers=signed(body)).status_code


async def test_what_has_changed_is_asked_for_once_a_webhook_or_an_operator_says_so(
    shop: tuple[str, ControlledShop], tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, shop[0])
    with served(create_app(settings), settings.port) as origin:
        async with Agent(origin, VERSION) as agent:

            async def read() -> dict[str, Any]:
                return value(await agent.call("get_product", sku="PAD-2"))

            fresh, again = await read(), await read()
            assert "as_of" not in fresh
            assert again.pop("as_of").endswith("Z")
            assert again == fresh
            found = value(await agent.call("search_products", query="PADDLE"))
            assert value(await agent.call("search_products", query="paddle")).keys() - found.keys() == {"as_of"}

            body = b'{"skus": ["PAD-2"], "price": "1.00"}'
            assert tell(origin, body) == 202
            shop[1].state.take_stock("PAD-2", 7)
            assert (await read())["stock"] == fresh["stock"] - 7

            with closing(Database(settings.database)) as database:
                SqlCatalogueChanges(database).append(settings.stores[0].id, [EVERYTHING], now=time.time())
            deadline = time.monotonic() + 60
            while "as_of" in await read():
                assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("sign", "body", "status"),
    [
        (lambda _: {}, b'{"skus": []}', 401),
        (lambda body: signed(body, key=b"x" * 32), b'{"skus": []}', 401),
        (lambda body: signed(body, at=1_000_000), b'{"skus": []}', 401),
        (lambda body: signed(body) | {"webhook-timestamp": "now"}, b'{"skus": []}', 401),
        (signed, b"[]", 400),
        (signed, b'{"skus": [7]}', 400),
        (signed, b'{"everything": true}', 202),
        (lambda _: {"content-encoding": "gzip"}, b"x", 415),
    ],
    ids=["unsigned", "another key", "too old", "no time", "no object", "no sku", "everything", "compressed"],
)
def test_a_webhook_is_heard_if_it_is_signed_and_says_what_has_changed(
    tmp_path_factory: pytest.TempPathFactory, sign: Callable[[bytes], dict[str, str]], body: bytes, status: int
) -> None:
    settings = settings_of(tmp_path_factory.mktemp("hooks"), "http://127.0.0.1:9")
    with served(create_app(settings), settings.port) as origin:
        answer = httpx.post(f"{origin}/webhooks/shop", content=body, headers=sign(body))
    assert answer.status_code == status


def test_a_store_without_a_secret_hears_no_webhook(tmp_path: Path) -> None:
    settings = demo_settings(free_port(), state=tmp_path)
    with served(create_app(settings), settings.port) as origin:
        assert httpx.post(f"{origin}/webhooks/shop", content=b"{}").status_code == 404


async def test_agents_browse_on_while_the_shop_is_down_and_carts_say_so(
    shop: tuple[str, ControlledShop], tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, shop[0], search=1, product=1)
    with served(create_app(settings), settings.port) as origin:
        async with Agent(origin, VERSION) as agent:
            cart = value(await agent.call("create_cart"))["cart_id"]
            read = {"get_product": {"sku": "PAD-2"}, "search_products": {"query": "paddle"}}
            for tool, arguments in read.items():
                value(await agent.call(tool, **arguments))
            shop[1].faults.draw(FaultRates(seed=1, share=1.0, faults=("BEFORE",)))
            for tool, arguments in read.items():
                deadline = time.monotonic() + 60
                while not (found := value(await agent.call(tool, **arguments))).get("stale"):
                    assert time.monotonic() < deadline
                assert found["as_of"]

            assert "shop" in refusal(await agent.call("add_to_cart", cart_id=cart, sku="PAD-2"))

            shop[1].faults.clear()
            for tool, arguments in read.items():
                deadline = time.monotonic() + 60
                while value(await agent.call(tool, **arguments)).get("stale"):
                    assert time.monotonic() < deadline


async def test_a_cart_looks_at_the_stock_past_what_is_remembered(
    shop: tuple[str, ControlledShop], tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, shop[0])
    with served(create_app(settings), settings.port) as origin:
        async with Agent(origin, VERSION) as agent:
            cart = value(await agent.call("create_cart"))["cart_id"]
            assert value(await agent.call("get_product", sku="PAD-2"))["stock"] > 0
            shop[1].state.take_stock("PAD-2", shop[1].state.stock["PAD-2"])

            assert "out of stock" in refusal(await agent.call("add_to_cart", cart_id=cart, sku="PAD-2"))
            now = value(await agent.call("get_product", sku="PAD-2"))
            assert now["in_stock"] is False


def test_an_operator_has_products_or_everything_asked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREFRONT_PORT", str(free_port()))
    config = tmp_path / "storefront.toml"
    config.write_text(
        '[[store]]\nid = "pickle"\norigin = "https://pickle.example"\nname = "Pickle"\ncurrency = "AUD"\n'
        '[store.upstream]\nkind = "demo"\n',
        encoding="utf-8",
    )

    def run(*words: str) -> Any:
        return CliRunner().invoke(main, ["catalogue", "refresh", *words, "--config", str(config)])

    assert "is not there" in run().stderr
    with closing(Database(tmp_path / "storefront.db")) as database:
        some = run("PAD-2", "TEE")
        everything = run()
        changes = SqlCatalogueChanges(database).list_after(0, limit=10)
        assert [change.name for change in changes] == ["PAD-2", "TEE", EVERYTHING]

    assert some.stdout == "It is on record that pickle is to be asked anew for PAD-2, TEE.\n"
    assert everything.stdout == "It is on record that pickle is to be asked anew for everything.\n"
