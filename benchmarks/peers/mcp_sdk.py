"""The official Python SDK, stateless and with JSON answers: `mcp_sdk.py typed|dict|lowlevel PORT`."""

import sys
from typing import Any

import mcp_types as types
import uvicorn
from catalogue import asked, shop
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from models import SearchResult
from starlette.types import ASGIApp

DESCRIPTION = "Search the shop's products by words."


def typed() -> ASGIApp:
    server = MCPServer("bench", lifespan=shop)

    @server.tool(description=DESCRIPTION)
    async def search_products(query: str = "", page_size: int = 10) -> SearchResult:
        return SearchResult.model_validate(await asked(query, page_size))

    return server.streamable_http_app(stateless_http=True, json_response=True)


def as_dict() -> ASGIApp:
    server = MCPServer("bench", lifespan=shop)

    @server.tool(description=DESCRIPTION)
    async def search_products(query: str = "", page_size: int = 10) -> dict[str, Any]:
        return await asked(query, page_size)

    return server.streamable_http_app(stateless_http=True, json_response=True)


def lowlevel() -> ASGIApp:
    schema = {"type": "object", "properties": {"query": {"type": "string"}, "page_size": {"type": "integer"}}}
    tool = types.Tool(name="search_products", description=DESCRIPTION, input_schema=schema)

    async def list_tools(_context: object, _params: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool])

    async def call_tool(_context: object, params: types.CallToolRequestParams) -> types.CallToolResult:
        arguments = params.arguments or {}
        found = await asked(arguments.get("query", ""), arguments.get("page_size", 10))
        text = SearchResult.model_validate(found).model_dump_json(exclude_none=True)
        return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=found)

    server = Server("bench", lifespan=shop, on_list_tools=list_tools, on_call_tool=call_tool)
    return server.streamable_http_app(stateless_http=True, json_response=True)


if __name__ == "__main__":
    mode, port = sys.argv[1:]
    uvicorn.run(
        {"typed": typed, "dict": as_dict, "lowlevel": lowlevel}[mode](),
        port=int(port),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
