"""Limits, replays and the audit as a client of the whole server meets them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from storefront_mcp.app import create_app, planned_roadmap
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.settings import Settings, demo_settings

pytestmark = pytest.mark.slow

PORT = 8765
PLANTED = "hunter2-planted"


def settings(folder: Path, **limits: str) -> Settings:
    """The demo with its delivered phases open; every client comes through a proxy on this machine."""
    made = demo_settings(PORT, state=folder)
    (store,) = made.stores
    made = replace(made, stores=(replace(store, limits=replace(store.limits, **limits)),))
    database = Database(made.database)
    flags = SqlFlipRepository(database)
    flags.flip(planned_roadmap(store), store.id, {"p1_browse": "active", "p2_cart": "active"}, by="tests")
    flags.close()
    database.close()
    return made


class Shopper:
    """Somebody behind an address."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def post(self, tool: str, *, address: str = "203.0.113.7", **arguments: Any) -> httpx.Response:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        headers = {"x-forwarded-for": f"{PLANTED}, {address}", "user-agent": "test/1", "x-request-id": "req-7"}
        headers["mcp-protocol-version"] = "2025-06-18"
        return await self.client.post("/mcp", json=message, headers=headers)

    async def call(self, tool: str, **arguments: Any) -> Any:
        answered = await self.post(tool, **arguments)
        assert answered.status_code == 200, answered.text
        result = answered.json()["result"]
        return result["content"][0]["text"] if result["isError"] else result["structuredContent"]


@pytest.fixture
def limits() -> dict[str, str]:
    return {}


@pytest.fixture
async def shopper(tmp_path: Path, limits: dict[str, str]) -> AsyncIterator[Shopper]:
    front = create_app(settings(tmp_path, **limits))
    going, done = asyncio.Event(), asyncio.Event()
    messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def said(message: Any) -> None:
        (going if message["type"] == "lifespan.startup.complete" else done).set()

    await messages.put({"type": "lifespan.startup"})
    living = asyncio.create_task(front({"type": "lifespan", "state": {}}, messages.get, said))  # type: ignore[arg-type, typeddict-item]
    await asyncio.wait_for(going.wait(), 10)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(front),
        base_url=f"http://127.0.0.1:{PORT}",  # type: ignore[arg-type]
    ) as client:
        yield Shopper(client)
    await messages.put({"type": "lifespan.shutdown"})
    await asyncio.wait_for(living, 20)


async def recorded(shopper: Shopper, folder: Path, count: int) -> list[dict[str, Any]]:
    """The audit, once it has as many entries of calls and limits; and nothing planted is in it."""
    database = Database(demo_settings(PORT, state=folder).database)
    log = AuditLog(database)
    try:
        async with asyncio.timeout(60):
            while len(entries := [row.entry for row in log.read() if row.entry.what != "phase.flipped"]) < count:  # noqa: ASYNC110 -- another thread writes
                await asyncio.sleep(0.02)
        assert log.verify().problems == ()
        assert PLANTED not in str(entries)
        return msgspec.to_builtins(entries)  # type: ignore[no-any-return]
    finally:
        database.close()


async def test_a_flip_is_on_record_with_who_did_it(shopper: Shopper, tmp_path: Path) -> None:
    database = Database(demo_settings(PORT, state=tmp_path).database)
    flips = [row.entry for row in AuditLog(database).read()]
    database.close()
    assert [(flip.subject, flip.who.id, flip.details) for flip in flips] == [
        ("p1_browse", "tests", {"before": "planned", "after": "active"}),
        ("p2_cart", "tests", {"before": "planned", "after": "active"}),
    ]


async def test_a_line_is_added_once_under_a_key_and_each_call_is_on_record(shopper: Shopper, tmp_path: Path) -> None:
    cart = await shopper.call("create_cart", idempotency_key=PLANTED)
    other = await shopper.call("create_cart", idempotency_key=PLANTED)
    assert cart["cart_id"] != other["cart_id"], "a guest's key never leads to another guest's cart"

    sent = {"cart_id": cart["cart_id"], "sku": "PAD-2", "idempotency_key": PLANTED}
    first = await shopper.call("add_to_cart", **sent)
    assert await shopper.call("add_to_cart", **sent) == first
    assert (await shopper.call("view_cart", cart_id=cart["cart_id"]))["lines"][0]["quantity"] == 1
    assert "was used with other arguments" in await shopper.call("add_to_cart", **sent, quantity=2)
    elsewhere = await shopper.call("add_to_cart", **(sent | {"cart_id": other["cart_id"]}))
    assert elsewhere["cart_id"] == other["cart_id"]

    entries = await recorded(shopper, tmp_path, 6)
    assert [(entry["subject"], entry["outcome"]) for entry in entries] == [
        ("create_cart", "ok"),
        ("create_cart", "ok"),
        ("add_to_cart", "ok"),
        ("add_to_cart", "ok"),
        ("add_to_cart", "idempotency_key_reused"),
        ("add_to_cart", "ok"),
    ]
    assert entries[2]["who"] == {"kind": "guest", "client": "test/1"}
    assert entries[2]["request"] == "req-7"
    assert entries[2]["arguments"].keys() == {"cart_id", "sku", "idempotency_key"}
    assert cart["cart_id"] not in str(entries)


@pytest.mark.parametrize("limits", [{"address": "1/min burst 3"}])
async def test_an_address_that_floods_gets_429_and_the_others_go_on(shopper: Shopper, tmp_path: Path) -> None:
    statuses = [(await shopper.post("search_products")).status_code for _ in range(6)]
    assert statuses == [200, 200, 200, 429, 429, 429]
    refused = await shopper.post("search_products")
    assert refused.headers["retry-after"].isdigit()
    assert refused.headers["ratelimit-policy"] == '"address";q=3;w=180'
    assert refused.headers["ratelimit"].startswith('"address";r=0;t=')
    error = refused.json()["error"]
    assert (error["code"], error["data"]["limit"]) == (429, "address")
    assert "id" not in refused.json()
    assert (await shopper.post("search_products", address="203.0.113.8")).status_code == 200
    (entry,) = await recorded(shopper, tmp_path, 1)
    assert (entry["what"], entry["subject"]) == ("limit.hit", "address")
    assert entry["who"] == {"kind": "stranger", "client": "test/1", "network": "203.0.113.0/24"}


@pytest.mark.parametrize("limits", [{"coupon": "1/min burst 2"}])
async def test_whoever_guesses_coupons_is_told_so_by_a_result_that_the_model_reads(shopper: Shopper) -> None:
    cart = (await shopper.call("create_cart"))["cart_id"]
    for number in range(2):
        assert "none of this shop's" in await shopper.call("apply_coupon", cart_id=cart, code=f"GUESS{number}")
    refused = await shopper.call("apply_coupon", cart_id=cart, code="GUESS3")
    assert "Too many coupon codes were tried. Do not guess codes. Try again in" in refused
    assert '"limit":"coupon"' in refused
    assert "lines" in await shopper.call("add_to_cart", cart_id=cart, sku="PAD-2")


@pytest.mark.parametrize("limits", [{"failed": "1/min burst 2"}])
async def test_credentials_are_no_longer_looked_at_after_too_many_were_refused(
    shopper: Shopper, tmp_path: Path
) -> None:
    headers = {"authorization": f"Bearer {PLANTED}", "x-forwarded-for": "203.0.113.7"}
    statuses = [(await shopper.client.post("/mcp", json={}, headers=headers)).status_code for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert (await shopper.post("search_products")).status_code == 200
    entries = await recorded(shopper, tmp_path, 2)
    assert [entry["what"] for entry in entries] == ["credential.refused", "limit.hit"]


@pytest.mark.parametrize("limits", [{"address": "1/h burst 3"}])
async def test_the_desk_for_keys_counts_addresses_too(shopper: Shopper) -> None:
    headers = {"x-forwarded-for": "203.0.113.7"}
    answers = [await shopper.client.get("/mcp/token", headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[-1].headers["retry-after"]
    assert answers[-1].headers["ratelimit"].startswith('"address";r=0')
    other = await shopper.client.get("/mcp/token", headers={"x-forwarded-for": "203.0.113.8"})
    assert other.status_code == 401
