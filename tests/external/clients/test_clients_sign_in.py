"""Other versions of the official clients, each from a guest to the orders of a person who signs in."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from mcp import Client, StdioServerParameters, stdio_client
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.settings.demo import demo_settings
from tests.external.clients.environments import JOURNEYS, SILENT, environment, journey_in
from tests.external.clients.matrix import MATRIX
from tests.external.clients.programs import BIN
from tests.external.clients.stand_in_browser import person_environment
from tests.external.clients.terminal import sign_in_by_claude_code
from tests.fakes import person
from tests.journeys.conftest import flip
from tests.programs import NODE
from tests.serving import free_port, served

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.timeout(420)]
PATIENCE = 300
ADA = PICKLERS[0]
EVERYTHING = "profile:read orders:read orders:write checkout"


@pytest.fixture
def client_documents() -> bool:
    """Whether clients may be known by a document, which nobody can fetch here."""
    return True


@pytest.fixture
def shop(tmp_path: Path, client_documents: bool) -> Iterator[str]:
    """The origin of a demo whose customers can sign in."""
    port = free_port()
    settings = demo_settings(port, state=tmp_path, key=Fernet.generate_key().decode())
    (store,) = settings.stores
    sign_in = replace(store.sign_in, client_documents=client_documents)
    settings = replace(settings, stores=(replace(store, sign_in=sign_in),))
    flip(settings, dict.fromkeys(("p1_browse", "p2_cart", "p3_checkout", "p4_account"), "active"))
    with served(create_app(settings), port) as origin:
        yield origin


@pytest.mark.parametrize("path", ["/mcp", "/mcp/account"])
@pytest.mark.parametrize(
    ("name", "speaks", "asks_at_once"),
    [("mcp-1.30.0", "2025-11-25", False), ("mcp-1.12.4", "2025-06-18", False), ("mcp-1.9.4", "2025-03-26", True)],
)
def test_an_older_python_client_signs_a_person_in(
    shop: str, tmp_path: Path, name: str, speaks: str, path: str, *, asks_at_once: bool
) -> None:
    if sys.version_info >= (3, 14) and "pydantic<2.11" in MATRIX.python.get(name, ()):
        pytest.skip("this Python is newer than any that pydantic<2.11 is built for")
    told = signed_in(
        [environment(name) / "bin" / "python", JOURNEYS / "sign_in_by_sdk.py"],
        [shop + path, ADA.email, ADA.password, Path(person.__file__).parent],
        home=tmp_path,
    )

    assert told["version"] == speaks
    assert (told["refused"], told["more"]) == ([False, False], "answered")
    assert told["at_once"] == (1 if asks_at_once or path == "/mcp/account" else 0)
    assert told["signed_in"] == 1
    assert told["scope"] == EVERYTHING
    assert told["orders"].keys() >= {"orders", "total"}


@pytest.mark.parametrize("path", ["/mcp", "/mcp/account"])
@pytest.mark.parametrize("name", ["sdk-1.32.2", "sdk-1.17.5", "sdk-1.11.0"])
def test_an_older_typescript_client_signs_a_person_in(shop: str, tmp_path: Path, name: str, path: str) -> None:
    made = environment(name)
    check_typescript([NODE, journey_in(made, "sign_in_by_sdk.mjs")], shop, path, home=tmp_path)


@pytest.mark.parametrize(("mode", "speaks"), [("", "2025-11-25"), ("auto", "2026-07-28")])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/account"])
@pytest.mark.usefixtures("node_tools")
def test_the_typescript_client_signs_a_person_in(shop: str, tmp_path: Path, path: str, mode: str, speaks: str) -> None:
    command = [NODE, Path(__file__).with_name("sign_in.mjs")]
    told = check_typescript(command, shop, path, home=tmp_path, more=["", mode])
    assert told["version"] == speaks


def check_typescript(
    command: list[Any], shop: str, path: str, *, home: Path, more: Sequence[str] = ()
) -> dict[str, Any]:
    """What a journey told: it went from a guest to the orders, and its person was asked once, when it was needed."""
    told = signed_in(command, [shop + path, ADA.email, ADA.password, *more], home=home)
    assert (told["refused"], told["more"]) == ([False, False], "answered")
    assert told["at_once"] == (1 if path == "/mcp/account" else 0)
    assert told["signed_in"] == 1
    assert told["scope"] == EVERYTHING
    assert told["orders"].keys() >= {"orders", "total"}
    return told


def signed_in(command: list[Any], arguments: list[Any], *, home: Path) -> dict[str, Any]:
    """What a journey printed."""
    done = subprocess.run(
        [*map(str, command), *map(str, arguments)],
        cwd=home,
        env={**SILENT, "HOME": str(home), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


async def test_a_bridge_signs_a_person_in(shop: str, tmp_path: Path) -> None:
    """`mcp-remote`, which opens the shop's page in the browser of whoever runs it."""
    program = environment("mcp-remote") / "node_modules" / ".bin" / "mcp-remote"
    server = StdioServerParameters(
        command=str(NODE),
        # A port of our own: the one that it derives may be taken by another program just then, and is then lost to it.
        args=[str(program), f"{shop}/mcp", str(free_port()), "--allow-http"],
        env=dict(person_environment(tmp_path)),
    )
    async with Client(stdio_client(server), mode="legacy") as client:
        assert "get_customer_orders" in {tool.name for tool in (await client.list_tools()).tools}
        assert not (await client.call_tool("search_products", {"query": "paddle"})).is_error
        orders = await client.call_tool("get_customer_orders", {})
        assert not orders.is_error
        (text,) = (block.text for block in orders.content if block.type == "text")
        assert json.loads(text).keys() >= {"orders", "total"}


def test_the_inspector_signs_a_person_in(shop: str, tmp_path: Path) -> None:
    """On its command line, from a guest's search to the orders: it opens the shop's page by itself once it needs to."""
    cli = environment("inspector") / "node_modules" / ".bin" / "mcp-inspector"
    options = ["--cli", "--server-url", f"{shop}/mcp", "--transport", "http", "--format", "json", "-q"]
    asked = [*options, "--method", "tools/call", "--tool-name"]
    home = tmp_path / "home"
    home.mkdir()
    variables = {**person_environment(home), "MCP_AUTO_OPEN_ENABLED": "true"}

    def call(tool: str, *arguments: str) -> tuple[dict[str, Any], str]:
        """The result of a tool, and what was said beside it."""
        done = subprocess.run(
            [str(NODE), str(cli), *asked, tool, *arguments],
            cwd=tmp_path,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        result: dict[str, Any] = json.loads(done.stdout)["result"]
        return result, done.stderr

    found, said = call("search_products", "--tool-args-json", '{"query": "paddle"}')
    assert found["isError"] is False
    assert "/oauth/authorize" not in said
    orders, said = call("get_customer_orders")
    assert "/oauth/authorize" in said
    assert orders["structuredContent"].keys() >= {"orders", "total"}


@pytest.mark.parametrize("client_documents", [False])
def test_codex_signs_a_person_in_while_the_shop_is_added(shop: str, tmp_path: Path) -> None:
    """It asks at once wherever it finds that it could, and registers itself where its document is not taken."""
    made, home = environment("codex"), tmp_path / "home"
    (home / ".codex").mkdir(parents=True)
    (home / ".codex" / "config.toml").write_text('mcp_oauth_credentials_store = "file"\n')
    done = subprocess.run(
        [str(NODE), str(journey_in(made, "orders_by_codex.mjs")), f"{shop}/mcp"],
        cwd=home,
        env=dict(person_environment(home)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert "Successfully logged in" in told["said"]
    assert told["standing"] == "o_auth"
    assert told["found"]
    assert told["orders"].keys() >= {"orders", "total"}


@pytest.mark.parametrize("client_documents", [False])
def test_claude_code_signs_a_person_in_at_a_terminal(shop: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()

    added, signed_in, listed = sign_in_by_claude_code(f"{shop}/mcp", person_environment(home), home)

    assert "Added HTTP MCP server" in added
    assert 'Authenticated with "shop"' in signed_in
    assert "Connected" in listed
    with closing(Database(tmp_path / "demo.db", read_only=True)) as database:
        (grant,) = SqlOAuthRepository(database, None).grants(StoreId("pickle"))
    assert (grant.client_name, grant.redirect_host) == ("Claude Code (shop)", "")
    assert grant.last_used_at is not None, "it came with its token"
