"""What a collector receives of a shop, and whose traces it continues."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.demo.shop import demo_shop
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import UpstreamSettings
from storefront_mcp.telemetry.otel_env import OtelUnavailable, otel_enabled, signal_enabled
from tests.fakes.agent import Agent, refusal, value
from tests.journeys.conftest import flip
from tests.serving import free_port, served
from tests.unit.telemetry.collector import Collector, attributes, collecting, rotel

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OTHER_TRACE, OTHER_PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MODERN = "2026-07-28"
EMAIL = "bob-planted@pickle.example"


class Shop:
    """A shop that remembers the headers that it was sent."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.heard: list[dict[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.heard.append({name.decode(): field.decode() for name, field in scope["headers"]})
        await self.app(scope, receive, send)


class Traced:
    """A traced server, the shop behind it, and the collector it tells."""

    def __init__(self, collector: Collector, shop: Shop, origin: str) -> None:
        self.collector = collector
        self.shop = shop
        self.origin = origin

    async def call(self, tool: str, meta: dict[str, str], headers: dict[str, str], **arguments: Any) -> httpx.Response:
        """A tool call in the modern form."""
        prefix = "io.modelcontextprotocol/"
        claim = {prefix + "protocolVersion": MODERN, prefix + "clientCapabilities": {}, **meta}
        params = {"name": tool, "arguments": arguments, "_meta": claim}
        message = {"jsonrpc": "2.0", "id": "call-1", "method": "tools/call", "params": params}
        routing = {
            "mcp-protocol-version": MODERN,
            "mcp-method": "tools/call",
            "mcp-name": tool,
            "accept": "application/json",
        }
        async with httpx.AsyncClient(base_url=self.origin) as client:
            return await client.post("/mcp", json=message, headers=routing | headers)


@contextmanager
def traced(state: Path, through: Callable[[str], AbstractContextManager[str]] = nullcontext) -> Iterator[Traced]:
    """Everything is told when the block ends, at the URL that `through` makes of the collector's."""
    shop = Shop(demo_shop(base_url="http://127.0.0.1"))
    port = free_port()
    with (
        collecting() as collector,
        through(collector.url) as told,
        pytest.MonkeyPatch.context() as patch,
        served(shop) as url,
    ):
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", told)
        patch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=tests")
        settings = demo_settings(port, state=state)
        (store,) = settings.stores
        settings = replace(settings, stores=(replace(store, upstream=UpstreamSettings(kind="maho", url=url)),))
        flip(settings, {"p1_browse": "active", "p2_cart": "active"})
        with served(create_app(settings), port) as origin:
            yield Traced(collector, shop, origin)


@pytest.mark.slow
async def test_a_call_is_a_span_of_its_client_s_trace_down_to_the_shop(tmp_path: Path) -> None:
    with traced(tmp_path) as server:
        meta = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1", "baggage": f"user={EMAIL}"}
        headers = {"traceparent": f"00-{OTHER_TRACE}-{OTHER_PARENT}-01", "x-request-id": "req-7"}
        answer = await server.call("search_products", meta, headers, query="paddle")
        assert answer.status_code == 200
    (span,) = server.collector.named("tools/call search_products")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.trace_state == "vendor=1"
    assert span.kind == span.SPAN_KIND_SERVER
    assert [link.trace_id.hex() for link in span.links] == [OTHER_TRACE], "what carried it is linked"
    assert attributes(span) == {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": MODERN,
        "gen_ai.tool.name": "search_products",
        "gen_ai.operation.name": "execute_tool",
        "jsonrpc.request.id": "call-1",
        "network.protocol.name": "http",
        "network.transport": "tcp",
        "storefront.store": "pickle",
        "storefront.client": "python-sdk",
        "storefront.request.id": "req-7",
    }
    below = [one for one in server.collector.spans if one.parent_span_id == span.span_id]
    assert {one.name for one in below} >= {"GET /products"}
    assert {one.kind for one in below} == {span.SPAN_KIND_CLIENT}
    heard = [one for one in server.shop.heard if TRACE in one.get("traceparent", "")]
    assert {one["traceparent"].split("-")[2] for one in heard} == {one.span_id.hex() for one in below}
    assert {one["x-request-id"] for one in heard} == {"req-7"}
    assert all("baggage" not in one for one in server.shop.heard)


@pytest.mark.slow
async def test_the_header_s_trace_is_continued_where_the_message_has_none(tmp_path: Path) -> None:
    with traced(tmp_path) as server:
        headers = {"traceparent": f"00-{OTHER_TRACE}-{OTHER_PARENT}-01"}
        await server.call("search_products", {}, headers, query="paddle")
        await server.call("list_categories", {"traceparent": "nonsense"}, {})
    (search,) = server.collector.named("tools/call search_products")
    assert (search.trace_id.hex(), search.parent_span_id.hex()) == (OTHER_TRACE, OTHER_PARENT)
    assert not search.links
    (listed,) = server.collector.named("tools/call list_categories")
    assert listed.parent_span_id == b""
    assert listed.trace_id != search.trace_id


@pytest.mark.slow
async def test_failures_are_told_as_the_conventions_say(tmp_path: Path) -> None:
    with traced(tmp_path) as server:
        async with Agent(server.origin, "2025-11-25") as agent:
            cart = value(await agent.call("create_cart"))["cart_id"]
            refusal(await agent.call("add_to_cart", cart_id=cart, sku="NO-SUCH", quantity=1))
            await agent.post(agent_call("nothing-of-ours"))
    (initialize,) = server.collector.named("initialize")
    assert attributes(initialize)["mcp.protocol.version"] == "2025-11-25"
    (refused,) = server.collector.named("tools/call add_to_cart")
    told = attributes(refused)
    assert (told["error.type"], told["storefront.outcome"]) == ("tool_error", "product_not_found")
    assert refused.status.code == refused.status.STATUS_CODE_ERROR
    (unknown,) = server.collector.named("tools/call other")
    told = attributes(unknown)
    assert (told["error.type"], told["rpc.response.status_code"]) == ("-32602", "-32602")


@pytest.mark.slow
async def test_a_real_collector_takes_and_hands_on_what_is_told(tmp_path: Path) -> None:
    with traced(tmp_path, through=rotel) as server:
        meta = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        assert (await server.call("search_products", meta, {}, query="paddle")).status_code == 200
    (span,) = server.collector.named("tools/call search_products")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    below = [one for one in server.collector.spans if one.parent_span_id == span.span_id]
    assert {one.name for one in below} >= {"GET /products"}
    (point,) = server.collector.metrics["mcp.server.operation.duration"].histogram.data_points
    assert (attributes(point)["gen_ai.tool.name"], point.count) == ("search_products", 1)
    assert "http.client.request.duration" in server.collector.metrics
    assert {one["service.name"] for one in server.collector.resources} == {"storefront-mcp"}


@pytest.mark.slow
async def test_durations_and_the_service_are_told(tmp_path: Path) -> None:
    with traced(tmp_path) as server:
        await server.call("search_products", {}, {}, query="paddle")
    operations = server.collector.metrics["mcp.server.operation.duration"]
    assert operations.unit == "s"
    (point,) = operations.histogram.data_points
    assert attributes(point)["gen_ai.tool.name"] == "search_products"
    assert list(point.explicit_bounds)[:2] == [0.01, 0.02]
    assert "http.client.request.duration" in server.collector.metrics
    assert all(one["service.name"] == "storefront-mcp" for one in server.collector.resources)
    assert all(one["deployment.environment.name"] == "tests" for one in server.collector.resources)


@pytest.mark.slow
async def test_nothing_personal_or_secret_is_told(tmp_path: Path) -> None:
    with traced(tmp_path) as server:
        cart = (await server.call("create_cart", {}, {})).json()["result"]["structuredContent"]["cart_id"]
        address = {"country": "AU", "postcode": "3999-planted", "city": "Plantedville"}
        await server.call("get_shipping_methods", {}, {}, cart_id=cart, address=address)
        await server.call("apply_coupon", {}, {}, cart_id=cart, code="HUNTER2-PLANTED")
        await server.call("search_products", {"baggage": EMAIL}, {"user-agent": EMAIL}, query=EMAIL)
    told = b"".join(server.collector.bodies)
    assert b"tools/call get_shipping_methods" in told
    for planted in (cart, "3999-planted", "Plantedville", "HUNTER2-PLANTED", EMAIL, "127.0.0.1"):
        assert planted.encode() not in told


def agent_call(tool: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": tool, "arguments": {}}}


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("env", "signals"),
    [
        ({}, []),
        (ENDPOINT, ["TRACES", "METRICS"]),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "True"}, []),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "none"}, ["TRACES"]),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ["TRACES"]),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:4318"}, ["METRICS"]),
    ],
)
def test_the_standard_variables_say_what_is_wanted(env: dict[str, str], signals: list[str]) -> None:
    assert [signal for signal in ("TRACES", "METRICS") if signal_enabled(env, signal)] == signals
    assert otel_enabled(env) is bool(signals)


def test_a_protocol_that_is_not_spoken_is_said_at_once() -> None:
    with pytest.raises(OtelUnavailable, match="only 'http/protobuf'"):
        otel_enabled({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_a_missing_extra_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.telemetry.otel_env.find_spec", lambda _: None)
    with pytest.raises(OtelUnavailable, match=r"storefront-mcp\[otel\]"):
        otel_enabled(ENDPOINT)
    assert otel_enabled({}) is False
