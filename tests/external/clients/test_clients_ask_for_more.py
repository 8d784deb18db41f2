"""What clients do when a tool needs a permission that its person took away (RFC 9470, step-up)."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
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
from tests.external.clients.environments import JOURNEYS, environment, journey_in
from tests.external.clients.matrix import MATRIX, StepUp
from tests.external.clients.stand_in_browser import person_environment
from tests.external.clients.terminal import sign_in_by_claude_code
from tests.fakes import person
from tests.fakes.person import Person
from tests.journeys.conftest import flip
from tests.journeys.test_an_agent_asks_to_sign_in import MemoryTokens, agent_of
from tests.programs import NODE
from tests.serving import free_port, served

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.timeout(420)]
PATIENCE = 300
ADA = PICKLERS[0]
WITHOUT = "profile:read checkout"
ALLOWED = ("orders:read", "orders:write")
PHASES = ("p1_browse", "p2_cart", "p3_checkout", "p4_account")
MORE = "profile:read"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    """The origin of a demo whose customers can sign in, and which fetches no documents of clients."""
    port = free_port()
    settings = demo_settings(port, state=tmp_path, key=Fernet.generate_key().decode())
    (store,) = settings.stores
    store = replace(store, sign_in=replace(store.sign_in, client_documents=False))
    flip(settings := replace(settings, stores=(store,)), dict.fromkeys(PHASES, "active"))
    with served(create_app(settings), port) as origin:
        yield origin


@pytest.mark.parametrize("client", MATRIX.step_up, ids=lambda client: client.id)
async def test_a_client_does_what_the_table_says_when_it_lacks_a_permission(
    client: StepUp, shop: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if sys.version_info >= (3, 14) and "pydantic<2.11" in MATRIX.python.get(str(client.environment), ()):
        pytest.skip("this Python is newer than any that pydantic<2.11 is built for")
    if client.environment is None and client.journey.endswith(".mjs"):
        request.getfixturevalue("node_tools")
    home = tmp_path / "home"
    home.mkdir()
    if client.journey == "in this process":
        more = await by_ourselves(shop)
    elif client.journey == "bridge":
        more = await by_bridge(client, shop, home)
    else:
        more = by_script(client, shop, home)

    granted = scopes_granted(tmp_path / "demo.db")
    assert granted[0] == ALLOWED
    assert (len(granted), more) == (client.sign_ins, client.more)
    # Whoever asks again for more asks for what it had, too: each 403 names it.
    assert ({MORE, *ALLOWED} <= set(granted[-1])) is (client.more == "answered")


def scopes_granted(path: Path) -> list[tuple[str, ...]]:
    """What the person allowed, the first time first."""
    with contextlib.closing(Database(path, read_only=True)) as database:
        found = SqlOAuthRepository(database, None).grants(StoreId("pickle"))
    return [one.scopes for one in sorted(found, key=lambda one: one.created_at)]


async def by_ourselves(shop: str) -> str:
    """The official Python client of our own environment."""
    without = frozenset(WITHOUT.split())
    async with (
        Person(ADA.email, ADA.password) as ada,
        agent_of(ada, f"{shop}/mcp", MemoryTokens(), without=without) as agent,
    ):
        return await outcome(agent)


async def by_bridge(client: StepUp, shop: str, home: Path) -> str:
    """A program between us and a client that knows nothing of signing in."""
    name = str(client.environment)
    program = environment(name) / "node_modules" / ".bin" / name
    server = StdioServerParameters(
        command=str(NODE),
        # A port of our own: the one that it derives may be taken by another program just then, and is then lost to it.
        args=[str(program), f"{shop}/mcp", str(free_port()), "--allow-http"],
        env=dict(person_environment(home, without=WITHOUT)),
    )
    async with Client(stdio_client(server), mode="legacy") as agent:
        return await outcome(agent)


async def outcome(agent: Client) -> str:
    """What becomes of the second call."""
    assert not (await agent.call_tool("get_customer_orders", {})).is_error
    return "refused" if (await agent.call_tool("list_addresses", {})).is_error else "answered"


def by_script(client: StepUp, shop: str, home: Path) -> str:
    """A client that a script drives."""
    variables = dict(person_environment(home, without=WITHOUT))
    if client.journey == "orders_by_codex.mjs":
        (home / ".codex").mkdir()
        (home / ".codex" / "config.toml").write_text('mcp_oauth_credentials_store = "file"\n')
    if client.journey == "orders_by_claude_code.mjs":
        sign_in_by_claude_code(f"{shop}/mcp", variables, home)
    arguments = [f"{shop}/mcp"]
    if client.journey.startswith("sign_in"):
        arguments += [ADA.email, ADA.password]
        arguments += [str(Path(person.__file__).parent)] if client.journey.endswith(".py") else []
        arguments += [WITHOUT]
    done = subprocess.run(
        [*program_of(client), *arguments],
        cwd=home,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["orders"].keys() >= {"orders", "total"}
    return str(told["more"])


def program_of(client: StepUp) -> list[str | os.PathLike[str]]:
    """What runs a client's journey."""
    if client.environment is None:
        return [NODE, Path(__file__).with_name(client.journey)]
    made = environment(client.environment)
    if client.journey.endswith(".py"):
        return [made / "bin" / "python", JOURNEYS / client.journey]
    return [NODE, journey_in(made, client.journey)]
