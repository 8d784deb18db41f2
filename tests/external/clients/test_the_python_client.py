"""The Python client shops, in each of its ways to agree on a version."""

import pytest
from mcp import Client
from mcp.client.sse import sse_client

from tests.external.clients.matrix import Client as Row, beside
from tests.external.clients.shopping import TOOLS, Call, answer, check, shop
from tests.fakes.agent import Json

pytestmark = pytest.mark.clients

ROWS = beside(__file__)


def calls(client: Client) -> Call:
    """Call tools through this client."""

    async def call(tool: str, **arguments: object) -> Json:
        result = await client.call_tool(tool, arguments)
        (text,) = (block.text for block in result.content if block.type == "text")
        assert not result.is_error or result.structured_content.keys() == {"error"}
        return answer(text, result.structured_content, refused=result.is_error)

    return call


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_the_python_client_shops(demo: str, row: Row) -> None:
    url = demo + row.path
    async with Client(sse_client(url) if row.transport == "sse" else url, mode=row.arguments[0]) as client:
        assert client.protocol_version == row.speaks
        listed = (await client.list_tools()).tools
        assert {tool.name for tool in listed} == TOOLS
        assert not any(tool.output_schema for tool in listed)
        check(await shop(calls(client)))
