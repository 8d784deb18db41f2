"""In every state of a store all that is published names the same tools and scopes, and those are what works."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from msgspec import Struct

from storefront_mcp.roadmap.manifest import Status
from tests.fakes.agent import Agent
from tests.journeys.conftest import OpenStore, flip, open_store
from tests.journeys.versions import GENERATIONS
from tests.serving import until

PHASES = ("p1_browse", "p2_cart", "p3_checkout", "p4_account")
LISTED = re.compile(r"^- `(\w+)`:", re.MULTILINE)
OPEN_PHASE = re.compile(
    r"^- [^(]+\((?:Open now\): .* Tools|Paused\): .* Still open, for orders prepared before): ([\w, ]+)", re.MULTILINE
)
COUNTED = re.compile(r"(\d+) tools are open")
ALL_SCOPES = {"profile:read", "orders:read", "orders:write", "checkout"}


def opened(count: int) -> dict[str, Status]:
    """The first phases, open."""
    return dict.fromkeys(PHASES[:count], "active")


STATES: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "planned": (0, ()),
    "browse": (1, ()),
    "cart": (2, ()),
    "checkout": (3, ()),
    "account": (4, ()),
    "account paused": (4, PHASES[3:]),
    "checkout and account paused": (4, PHASES[2:]),
    "everything paused": (4, PHASES),
}
"""How many phases were opened, and which of them were paused then."""


class Published(Struct, frozen=True):
    """What a store says of itself."""

    documents: Mapping[str, httpx.Response]

    def json(self, path: str) -> Any:
        """A document's members."""
        return self.documents[path].json()

    def text(self, path: str) -> str:
        """A document as text."""
        return self.documents[path].text


PATHS = (
    "/.well-known/mcp/server-card.json",
    "/.well-known/protocols",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource/mcp/account",
    "/.well-known/oauth-authorization-server",
    "/llms.txt",
    "/index.md",
    "/auth.md",
    "/mcp/info",
    "/mcp/docs",
    "/mcp/tools",
)


@pytest.mark.parametrize("state", STATES)
async def test_documents_and_tools_agree(state: str, tmp_path: Path) -> None:
    count, paused = STATES[state]
    phases = opened(count) | dict.fromkeys(paused, "paused")
    is_open = "active" in phases.values()
    answers = count > 0
    is_signed_in_to = phases.get("p4_account") == "active"
    with open_store("demo", tmp_path, phases=opened(count), key=Fernet.generate_key().decode()) as store:
        if paused:
            pause(store, paused)
        async with httpx.AsyncClient(base_url=store.origin) as client:
            said = Published({path: await client.get(path) for path in PATHS})
            account = await client.post("/mcp/account", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
        tools: list[dict[str, Any]] = []
        for version in GENERATIONS if answers else ():
            async with Agent(store.origin, version) as agent:
                listed = (await agent.ask("tools/list"))["result"]["tools"]
            assert [one["name"] for one in listed] == [one["name"] for one in tools or listed], version
            tools = listed

    names = [one["name"] for one in tools]
    card = said.json("/.well-known/mcp/server-card.json")
    promised = [one["name"] for one in card["planned_tools"]]
    assert [one["name"] for one in card["tools"]] == (names if is_open else promised)
    assert set(names) <= set(promised)
    assert (card["status"] == "active") is is_open
    assert said.json("/.well-known/protocols")["protocols"]["mcp"].get("open_tools", []) == names
    assert said.json("/mcp/info")["tools"]["open"] == len(names)
    assert [one["name"] for one in said.json("/mcp/tools")["tools"]] == names
    assert LISTED.findall(said.text("/index.md")) == promised
    assert [name for line in OPEN_PHASE.findall(said.text("/llms.txt")) for name in line.split(", ")] == names
    assert [int(count) for count in COUNTED.findall(said.text("/llms.txt"))] == ([len(names)] if is_open else [])

    scopes = {scope for one in tools for scope in scopes_of(one)}
    assert (scopes == ALL_SCOPES) is is_signed_in_to
    assert account.status_code == (401 if is_signed_in_to else 404)
    found = {path: said.documents[path].status_code for path in PATHS if "oauth" in path}
    assert set(found.values()) == {200 if is_signed_in_to else 404}, found
    if is_signed_in_to:
        assert set(said.json("/.well-known/oauth-protected-resource/mcp")["scopes_supported"]) == scopes
        assert set(said.json("/.well-known/oauth-authorization-server")["scopes_supported"]) == scopes
        known = {one["name"] for one in tools if scopes_of(one)}
        assert set(LISTED.findall(said.text("/auth.md"))) == known
        assert set(card["authentication"]["required_for"]) == known


def pause(store: OpenStore, phases: Sequence[str]) -> None:
    """Pause these, and wait until that is shown."""
    before = httpx.get(store.origin + PATHS[0]).content
    flip(store.settings, dict.fromkeys(phases, "paused"))
    until(lambda: httpx.get(store.origin + PATHS[0]).content != before, "the pause to be shown")


def scopes_of(tool: dict[str, Any]) -> set[str]:
    """Of a buyer, as hosts read them."""
    schemes = tool.get("_meta", {}).get("securitySchemes", tool.get("securitySchemes", ()))
    return {scope for scheme in schemes for scope in scheme.get("scopes", ())}
