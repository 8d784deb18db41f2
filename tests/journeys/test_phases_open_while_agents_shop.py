"""An operator opens phases while a client polls: nothing fails, and everything shown belongs together."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.fakes.agent import Agent, refusal
from tests.journeys.conftest import flip, open_store
from tests.journeys.shops import LACKS

CARD = "/.well-known/mcp/server-card.json"


BROWSING = 6
"""How many tools the first phase has."""


@pytest.mark.slow
async def test_from_planned_to_a_cart_without_a_failed_request(kind: str, tmp_path: Path) -> None:
    with open_store(kind, tmp_path, phases={}) as store:
        origin, settings, both = store.origin, store.settings, BROWSING + (8 if "gift_cards" in LACKS[kind] else 10)
        async with httpx.AsyncClient(base_url=origin) as client:
            card = await client.get(CARD)
            assert card.json()["status"] == "planned"
            stub = await client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
            assert stub.status_code == 503
            assert stub.headers["retry-after"] == "604800"
            assert stub.headers["cache-control"] == "public, max-age=300"
            assert stub.content == (
                b'{\n  "error": "not_yet_available",\n  "message": "This storefront publishes an MCP server card at '
                + f"{origin}{CARD}".encode()
                + b' but the server itself is still being built. See the card for the planned tool inventory.",\n'
                b'  "server_card": "' + f"{origin}{CARD}".encode() + b'"\n}'
            )

            flip(settings, {"p1_browse": "active"})
            await _until_status(client, 200)
            opened = await client.get(CARD)
            assert opened.json()["status"] == "active"
            assert opened.headers["etag"] != card.headers["etag"]
            async with Agent(origin, "2025-11-25") as agent:
                assert len(await agent.tools()) == BROWSING
                assert "Cart is not open" in refusal(await agent.call("create_cart"))

                polling = asyncio.create_task(_poll(agent))
                flip(settings, {"p2_cart": "active"})
                assert await polling == [BROWSING, both]

                flip(settings, {"p2_cart": "paused"})
                assert await _poll(agent) == [both, BROWSING]
                assert "closed for now" in refusal(await agent.call("create_cart"))


async def _until_status(client: httpx.AsyncClient, status: int) -> None:
    async with asyncio.timeout(60):
        while (await client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})).status_code != status:
            continue


async def _poll(agent: Agent) -> list[int]:
    """The numbers of tools that were listed until the number changed."""
    seen = [len(await agent.tools())]
    async with asyncio.timeout(60):
        while len(seen) < 2:
            listed = len(await agent.tools())
            if listed != seen[-1]:
                seen.append(listed)
    return seen
