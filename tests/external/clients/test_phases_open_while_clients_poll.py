"""An operator opens phases from a second terminal while clients poll: no request fails, and all see the same."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from mcp import Client, MCPError
from mcp.client.caching import CacheConfig

from storefront_mcp.cli.demo_folder import DEMO_STATE
from tests.external.clients.programs import ran, running
from tests.external.clients.shopping import GUEST_TOOLS
from tests.serving import PATIENCE, free_port

pytestmark = pytest.mark.clients

CARD = "/.well-known/mcp/server-card.json"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
SOON = 60.0
"""Seconds from a flip's word to its effect, on a busy machine."""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def planned(tmp_path: Path, port: int) -> Iterator[str]:
    """The origin of a demo on its first day, in the test's own folder."""
    with running("demo", "--planned", "--port", str(port), "--state", str(DEMO_STATE), port=port, cwd=tmp_path):
        yield f"http://127.0.0.1:{port}"


async def opened(phase: str, folder: Path) -> str:
    """Open a phase as an operator would, while this process goes on polling."""
    return await asyncio.to_thread(ran, "phases", "open", phase, cwd=folder)


class Looks:
    """What one who polls saw, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._news = asyncio.Condition()

    async def add(self, look: str) -> None:
        async with self._news:
            self.seen.append(look)
            self._news.notify_all()

    async def until(self, what: str, *, within: float = SOON) -> None:
        """Wait until this is seen."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: any(what in look for look in self.seen))


@asynccontextmanager
async def polling(origin: str, *, kept: bool) -> AsyncIterator[Looks]:
    """Ask for the card and the tools all the time, on kept or fresh connections; a request that fails ends the test."""
    looks = Looks()
    limits = httpx.Limits(max_keepalive_connections=1 if kept else 0)

    async def poll() -> None:
        async with httpx.AsyncClient(base_url=origin, limits=limits) as client:
            while True:
                card = await client.get(CARD)
                listed = await client.post("/mcp", json=LIST)
                tools = len(listed.json()["result"]["tools"]) if listed.status_code == 200 else 0
                await looks.add(f"{card.status_code} {card.json()['status']}, {listed.status_code} with {tools} tools")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(poll())
        yield looks
        task.cancel()


async def test_no_poll_fails_from_the_stub_to_nineteen_tools(planned: str, tmp_path: Path) -> None:
    async with polling(planned, kept=True) as kept, polling(planned, kept=False) as fresh:
        await kept.until("503", within=PATIENCE)
        await fresh.until("503", within=PATIENCE)
        assert "search_products" in await opened("p1_browse", tmp_path)
        await kept.until("6 tools")
        await fresh.until("6 tools")
        await opened("p2_cart", tmp_path)
        await kept.until("16 tools")
        await fresh.until("16 tools")

    for looks in (kept, fresh):
        story = [look for look, _ in itertools.groupby(looks.seen)]
        # A flip may fall between a card and the list that is asked for next.
        story = [look for look in story if look != "200 planned, 200 with 6 tools"]
        assert story == [
            "200 planned, 503 with 0 tools",
            "200 active, 200 with 6 tools",
            "200 active, 200 with 16 tools",
        ]


async def test_the_stub_is_exact_to_the_byte_and_the_card_changes_with_the_flip(planned: str, tmp_path: Path) -> None:
    async with httpx.AsyncClient(base_url=planned) as client:
        card = await client.get(CARD)
        assert card.json()["status"] == "planned"
        for method in ("GET", "POST", "PUT", "DELETE"):
            stub = await client.request(method, "/mcp")
            assert stub.status_code == 503
            assert stub.headers["content-type"] == "application/json"
            assert stub.headers["cache-control"] == "public, max-age=300"
            assert stub.headers["retry-after"] == "604800"
            assert stub.text == (
                "{\n"
                '  "error": "not_yet_available",\n'
                f'  "message": "This storefront publishes an MCP server card at {planned}{CARD} but the server itself '
                'is still being built. See the card for the planned tool inventory.",\n'
                f'  "server_card": "{planned}{CARD}"\n'
                "}"
            )
        same = await client.get(CARD, headers={"if-none-match": card.headers["etag"]})
        assert same.status_code == 304

        await opened("p1_browse", tmp_path)
        async with asyncio.timeout(SOON):
            while (
                changed := await client.get(CARD, headers={"if-none-match": card.headers["etag"]})
            ).status_code == 304:
                pass
        assert changed.status_code == 200
        assert changed.json()["status"] == "active"
        assert changed.headers["etag"] != card.headers["etag"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_python_client_sees_six_tools_then_sixteen_then_nineteen_on_one_connection(
    planned: str, tmp_path: Path, mode: str
) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(MCPError), flatten_subgroups=True):
        await Client(f"{planned}/mcp", mode=mode).__aenter__()
    await opened("p1_browse", tmp_path)
    await until_open(planned)
    async with Client(f"{planned}/mcp", mode=mode) as client:
        assert len((await client.list_tools()).tools) == 6
        await opened("p2_cart", tmp_path)
        await until_listed(client, 16)
        await opened("p3_checkout", tmp_path)
        await until_listed(client, 19)


async def test_a_pinned_python_client_keeps_its_connection_from_the_stub_to_nineteen_tools(
    planned: str, tmp_path: Path
) -> None:
    now = 0.0
    cache = CacheConfig(clock=lambda: now)
    async with Client(f"{planned}/mcp", mode="2026-07-28", cache=cache) as client:
        with pytest.raises(MCPError):
            await client.list_tools()
        await opened("p1_browse", tmp_path)
        await until_listed(client, 6)

        kept = await client.list_tools()
        await opened("p2_cart", tmp_path)
        await until_listed(client, 16)
        await opened("p3_checkout", tmp_path)
        await until_listed(client, 19)
        # Who does not insist is told what it kept for as long as we allowed it to, and no longer.
        assert kept.ttl_ms is not None
        now += kept.ttl_ms / 1000
        assert {tool.name for tool in (await client.list_tools()).tools} == GUEST_TOOLS
        assert not (await client.call_tool("create_cart")).is_error


async def until_open(origin: str) -> None:
    """Wait until the stub is gone."""
    async with asyncio.timeout(SOON), httpx.AsyncClient(base_url=origin) as client:
        while (answer := await client.post("/mcp", json=LIST)).status_code != 200:
            assert answer.status_code == 503


async def until_listed(client: Client, count: int) -> None:
    """Wait until a client is told of this many tools; the only failure on the way is the stub's."""
    async with asyncio.timeout(SOON):
        while await listed(client) != count:
            pass


async def listed(client: Client) -> int:
    """How many tools the server lists now, whatever the client has kept; none while every phase is closed."""
    try:
        return len((await client.list_tools(cache_mode="refresh")).tools)
    except MCPError:
        return 0
