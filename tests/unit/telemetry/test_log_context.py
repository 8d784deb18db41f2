"""Each line of a log says whose it is: store, method or tool, client program, request; that of a job its store."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.instrumentation import JOB_STORE, REQUEST_CONTEXT, RequestContext, store_job
from storefront_mcp.telemetry.logs import set_up_logging
from tests.fakes.memory_backend import STORE
from tests.unit.checkout.environment import CheckoutEnvironment
from tests.unit.checkout.test_checkout_flow import pay, placed
from tests.unit.web.serving import ServedStore, elsewhere

FIELDS = ("store", "method", "tool", "client", "request_id")


class Written(io.StringIO):
    """What was written to standard error."""

    def fields(self, logger: str = "") -> list[dict[str, Any]]:
        """The context of each line of ours."""
        lines = [json.loads(line) for line in self.getvalue().splitlines()]
        return [
            {name: line[name] for name in FIELDS if name in line}
            for line in lines
            if line["logger"].startswith(logger or "storefront_mcp")
        ]


@pytest.fixture
def log() -> Iterator[Written]:
    root, out = logging.getLogger(), Written()
    level, handlers = root.level, list(root.handlers)
    token = REQUEST_CONTEXT.set(None)
    set_up_logging("json", "info", stream=out)
    yield out
    REQUEST_CONTEXT.reset(token)
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
async def test_a_line_of_a_call_names_store_tool_client_and_request_in_each_store(log: Written, version: str) -> None:
    other = elsewhere()
    served = ServedStore(stores=(STORE, other))
    served.memory_backend.down = ShopDown("nobody listens")

    async def call(host: str, number: str) -> None:
        arguments: dict[str, Any] = {"query": "paddle"}
        params: dict[str, Any] = {"name": "search_products", "arguments": arguments}
        headers = {"content-type": "application/json", "user-agent": "agent/1", "x-request-id": number}
        if version.startswith("2026"):
            about = {
                "protocolVersion": version,
                "clientCapabilities": {},
                "clientInfo": {"name": "pip", "version": "2"},
            }
            params["_meta"] = {f"io.modelcontextprotocol/{name}": value for name, value in about.items()}
            headers |= {"mcp-method": "tools/call", "mcp-name": "search_products"}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers["mcp-protocol-version"] = version
        answer = await served.ask("POST", "/mcp", headers, host=host, content=json.dumps(message))
        assert answer.status_code == 200, answer.text

    await asyncio.gather(call(STORE.host, "one"), call(other.host, "two"))
    client = "pip 2" if version.startswith("2026") else "agent/1"
    assert sorted(log.fields("storefront_mcp.calls"), key=lambda line: line["request_id"]) == [
        {"store": store.id, "method": "tools/call", "tool": "search_products", "client": client, "request_id": number}
        for store, number in ((STORE, "one"), (other, "two"))
    ]


async def test_each_message_of_an_array_has_its_own_tool(log: Written) -> None:
    served = ServedStore()
    served.memory_backend.down = ShopDown("nobody listens")
    calls = [
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        for name, arguments in (("search_products", {"query": "x"}), ("get_product", {"sku": "X"}))
    ]
    headers = {"content-type": "application/json", "mcp-protocol-version": "2025-03-26", "user-agent": "agent/1"}
    await served.ask("POST", "/mcp", headers, content=json.dumps(calls))
    lines = log.fields("storefront_mcp.calls")
    assert [line["tool"] for line in lines] == ["search_products", "get_product"]
    assert {line["client"] for line in lines} == {"agent/1"}, "whose messages have no name of their own"


async def test_a_line_of_a_page_names_store_method_client_and_request(log: Written) -> None:
    served = ServedStore()

    async def page(scope: Any, receive: Any, send: Any) -> None:
        logging.getLogger("storefront_mcp.web").warning("a page failed")
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    served.app._pages = page
    await served.ask("GET", "/", {"user-agent": "curl/8\t" + "x" * 500, "x-request-id": "req-1"})
    await served.ask("GET", "/healthz", {"x-request-id": "req-2"}, host="10.0.0.1")
    (line, unrouted) = log.fields()
    assert line == {"store": STORE.id, "method": "GET", "client": line["client"], "request_id": "req-1"}
    assert line["client"].startswith("curl/8x")
    assert len(line["client"]) < 130
    assert unrouted == {"method": "GET", "request_id": "req-2"}


async def test_a_line_of_a_job_names_its_store_and_that_of_the_server_none(log: Written) -> None:
    environment = CheckoutEnvironment(captures=True)
    await pay(environment, await placed(environment))
    await environment.settle()
    lines = log.fields("storefront_mcp.checkout")
    assert lines
    assert all(line == {"store": STORE.id} for line in lines), lines
    assert JOB_STORE.get() == ""
    logging.getLogger("storefront_mcp.server").warning("of nobody")
    assert log.fields("storefront_mcp.server") == [{}]


def test_a_request_comes_before_the_job_that_it_began(log: Written) -> None:
    REQUEST_CONTEXT.set(RequestContext([(b"x-request-id", b"req-1")], "POST", "pickle"))
    with store_job("other"):
        logging.getLogger("storefront_mcp.checkout").warning("on its way")
    assert log.fields() == [{"store": "pickle", "method": "POST", "request_id": "req-1"}]
