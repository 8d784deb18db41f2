"""Other versions of the official clients, each from a guest to the orders of a person who signs in."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from mcp import Client, StdioServerParameters, stdio_client

from storefront_mcp.app import create_app
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.settings.demo import demo_settings
from tests.external.clients.environments import SILENT, environment
from tests.external.clients.matrix import MATRIX
from tests.external.clients.programs import BIN
from tests.external.clients.stand_in_browser import person_environment
from tests.fakes import person
from tests.journeys.conftest import flip
from tests.serving import free_port, served

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.timeout(420)]
JOURNEYS = Path(__file__).with_name("journeys")
PATIENCE = 300
ADA = PICKLERS[0]
EVERYTHING = "profile:read orders:read orders:write checkout"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    """The origin of a demo whose customers can sign in."""
    port = free_port()
    settings = demo_settings(port, state=tmp_path, key=Fernet.generate_key().decode())
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
    assert told["refused"] == [False, False, False]
    assert told["at_once"] == (1 if asks_at_once or path == "/mcp/account" else 0)
    assert told["signed_in"] == 1
    assert told["scope"] == EVERYTHING
    assert told["orders"].keys() >= {"orders", "total"}


@pytest.mark.parametrize("path", ["/mcp", "/mcp/account"])
@pytest.mark.parametrize("name", ["sdk-1.32.2", "sdk-1.17.5", "sdk-1.11.0"])
def test_an_older_typescript_client_signs_a_person_in(shop: str, tmp_path: Path, name: str, path: str) -> None:
    made = environment(name)
    # Node looks for packages from where a module lies.
    for module in ("sign_in_by_sdk.mjs", "sign_in.mjs"):
        shutil.copy(JOURNEYS / module, made / module)
    check_typescript([BIN / "node", made / "sign_in_by_sdk.mjs"], shop, path, home=tmp_path)


@pytest.mark.parametrize("path", ["/mcp", "/mcp/account"])
@pytest.mark.usefixtures("node_tools")
def test_the_typescript_client_signs_a_person_in(shop: str, tmp_path: Path, path: str) -> None:
    check_typescript([BIN / "node", Path(__file__).with_name("sign_in.mjs")], shop, path, home=tmp_path)


def check_typescript(command: list[Any], shop: str, path: str, *, home: Path) -> None:
    """That a journey went from a guest to the orders, and that its person was asked once, when it was needed."""
    told = signed_in(command, [shop + path, ADA.email, ADA.password], home=home)
    assert told["refused"] == [False, False, False]
    assert told["at_once"] == (1 if path == "/mcp/account" else 0)
    assert told["signed_in"] == 1
    assert told["scope"] == EVERYTHING
    assert told["orders"].keys() >= {"orders", "total"}


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
        command=str(BIN / "node"),
        args=[str(program), f"{shop}/mcp", "--allow-http"],
        env=dict(person_environment(tmp_path)),
    )
    async with Client(stdio_client(server), mode="legacy") as client:
        assert "get_customer_orders" in {tool.name for tool in (await client.list_tools()).tools}
        assert not (await client.call_tool("search_products", {"query": "paddle"})).is_error
        orders = await client.call_tool("get_customer_orders", {})
        assert not orders.is_error
        (text,) = (block.text for block in orders.content if block.type == "text")
        assert json.loads(text).keys() >= {"orders", "total"}
