"""What Prometheus is told of a shop."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from storefront_mcp.checkout.states import TRANSITIONS
from tests.fakes.agent import Agent, refusal, value
from tests.serving import until
from tests.unit.telemetry.environment import STORE, Told, standing

pytestmark = pytest.mark.slow

CALLS = "storefront_tool_calls_total"


async def test_a_shopping_trip_is_counted_from_the_edge_to_the_shop(tmp_path: Path) -> None:
    with standing(tmp_path) as (origin, metrics):
        async with Agent(origin, "2025-11-25") as agent:
            value(await agent.call("search_products", query="paddle"))
            cart = value(await agent.call("create_cart"))["cart_id"]
            value(await agent.call("add_to_cart", cart_id=cart, sku="PAD-2", quantity=1))
            refusal(await agent.call("add_to_cart", cart_id=cart, sku="NO-SUCH", quantity=1))
            with pytest.raises(AssertionError):
                await agent.call("../../etc/passwd")
        told = await _told(metrics, lambda told: told.value(CALLS) >= 5)

    assert told.value(CALLS, store=STORE, tool="search_products", outcome="ok", protocol="2025-11-25") == 1
    assert told.value(CALLS, tool="add_to_cart", outcome="product_not_found") == 1
    assert told.value(CALLS, tool="other", outcome="unknown_tool") == 1
    assert told.labels(CALLS, "tool") == {"search_products", "create_cart", "add_to_cart", "other"}
    assert told.value("storefront_tool_call_duration_seconds_count", tool="add_to_cart") == 2
    assert told.value("storefront_mcp_requests_total", method="initialize") == 1
    requests = "storefront_http_request_duration_seconds_count"
    assert told.value(requests, store=STORE, route="/mcp", method="POST", status="200") >= 6
    upstream = "storefront_upstream_request_duration_seconds_count"
    assert told.value(upstream, operation="POST /guest-carts/{id}/items", outcome="ok") == 1
    assert told.value(upstream, operation="GET /products", outcome="ok") >= 1
    assert told.value("storefront_upstream_circuit_open", store=STORE) == 0
    assert told.value("storefront_phase_flips_total", phase="p2_cart", to="active") == 1
    assert told.labels("storefront_checkouts", "state") == set(TRANSITIONS)
    assert told.value("storefront_checkout_lag_seconds") == 0
    assert told.value("storefront_build_info") == 1


async def test_reads_of_the_catalogue_are_counted_by_where_the_answer_came_from(tmp_path: Path) -> None:
    reads = "storefront_catalogue_reads_total"
    with standing(tmp_path) as (origin, metrics):
        async with Agent(origin, "2025-11-25") as agent:
            for _ in range(3):
                value(await agent.call("get_product", sku="PAD-2"))
                refusal(await agent.call("get_product", sku="NO-SUCH"))
        told = await _told(metrics, lambda told: told.value(reads, source="missing") == 2)

    assert told.value(reads, store=STORE, source="memory") >= 2
    assert told.value(reads, store=STORE, source="shop") >= 2
    assert told.value("storefront_catalogue_memory_bytes", store=STORE) > 1_000


async def test_open_streams_are_counted_while_they_are_open(tmp_path: Path) -> None:
    with standing(tmp_path) as (origin, metrics):
        async with httpx.AsyncClient() as client:
            async with client.stream("GET", f"{origin}/mcp/sse") as stream:
                assert stream.status_code == 200
                await _told(metrics, lambda told: told.value("storefront_open_streams", store=STORE) == 1)
            await _told(metrics, lambda told: told.value("storefront_open_streams", store=STORE) == 0)
        requests = "storefront_http_request_duration_seconds_count"
        await _told(metrics, lambda told: told.value(requests, route="/mcp/sse") == 1)


async def test_no_client_can_multiply_the_numbers(tmp_path: Path) -> None:
    with standing(tmp_path) as (origin, metrics):
        async with httpx.AsyncClient(base_url=origin) as client:
            for number in range(40):
                call = {
                    "jsonrpc": "2.0",
                    "id": number,
                    "method": "tools/call",
                    "params": {"name": f"tool-{number}", "arguments": {}},
                }
                headers = {"user-agent": f"agent-{number}", "x-request-id": f"r{number}"}
                await client.post("/mcp", json=call, headers=headers)
                await client.post("/mcp", json={**call, "method": f"method/{number}"}, headers=headers)
                await client.request("PROPFIND", f"/nowhere/{number}", headers=headers)
                await client.get(f"/pay/{number}", headers={"host": f"{number}.example"})
        told = await _told(metrics, lambda told: told.value(CALLS) == 40)
    assert len([sample for sample in told.samples if sample.name == CALLS]) == 1
    assert told.labels("storefront_http_request_duration_seconds_count", "store") == {STORE, ""}
    assert told.labels("storefront_http_request_duration_seconds_count", "route") == {"/mcp", "/pay/", "other"}
    assert told.labels("storefront_http_request_duration_seconds_count", "method") == {"POST", "GET", "other"}


async def test_a_limit_that_is_hit_is_counted(tmp_path: Path) -> None:
    with standing(tmp_path) as (origin, metrics):
        async with Agent(origin, "2026-07-28") as agent:
            cart = value(await agent.call("create_cart"))["cart_id"]
            for _ in range(8):
                await agent.call("apply_coupon", cart_id=cart, code="NO-SUCH")
        told = await _told(metrics, lambda told: told.value("storefront_limits_hit_total", limit="coupon") >= 1)
    assert told.value(CALLS, tool="apply_coupon", outcome="rate_limited", protocol="2026-07-28") >= 1


async def _told(metrics: str, enough: Callable[[Told], bool]) -> Told:
    """A scrape, once it tells enough."""
    found: list[Told] = []

    def looked() -> bool:
        found[:] = [Told(httpx.get(metrics).text)]
        return enough(found[0])

    await asyncio.to_thread(until, looked, "the numbers to be told", patience=10)
    return found[0]
