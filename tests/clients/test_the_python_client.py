"""The Python client shops, in each of its ways to agree on a version, and checks our results against our schemas."""

import contextlib
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tests.agent import Json
from tests.clients.matrix import Client as Row, beside
from tests.clients.shopping import TOOLS, Call, answer, check, shop

pytestmark = pytest.mark.clients

ROWS = beside(__file__)


def calls(client: Client) -> Call:
    """Call tools through this client."""

    async def call(tool: str, **arguments: object) -> Json:
        result = await client.call_tool(tool, arguments)
        (text,) = (block.text for block in result.content if block.type == "text")
        assert not (result.is_error and result.structured_content)
        return answer(text, result.structured_content, refused=result.is_error)

    return call


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_the_python_client_shops(demo: str, row: Row) -> None:
    url = demo + row.path
    async with Client(sse_client(url) if row.transport == "sse" else url, mode=row.arguments[0]) as client:
        assert client.protocol_version == row.speaks
        listed = (await client.list_tools()).tools
        assert {tool.name for tool in listed} == TOOLS
        assert all(tool.output_schema for tool in listed)
        check(await shop(calls(client)))


@pytest.mark.proves("results.structured")
@pytest.mark.parametrize("mode", [row.arguments[0] for row in ROWS if row.transport == "http"])
async def test_the_python_client_would_not_take_a_result_that_breaks_our_schema(demo: str, mode: str) -> None:
    async with spoiled(f"{demo}/mcp", mode=mode) as client:
        with pytest.raises(RuntimeError, match="Invalid structured content returned by tool create_cart"):
            await client.call_tool("create_cart")


class Spoiling(httpx2.AsyncHTTPTransport):
    """Takes the totals out of structured carts on their way."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        body = await response.aread()
        await response.aclose()
        if b'"structuredContent"' in body:
            message = json.loads(body)
            del message["result"]["structuredContent"]["totals"]
            body = json.dumps(message).encode()
        headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-length"]
        return httpx2.Response(response.status_code, headers=headers, content=body)


@contextlib.asynccontextmanager
async def spoiled(url: str, *, mode: str) -> AsyncIterator[Client]:
    """A client whose answers are spoiled on their way."""
    async with (
        httpx2.AsyncClient(transport=Spoiling()) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client
