"""Shop with Strands Agents.   argv: URL"""

import asyncio
import sys

from mcp.client.streamable_http import streamable_http_client
from steps import Json, answer, shop, tell
from strands.tools.mcp import MCPClient


def main(url: str) -> None:
    with MCPClient(lambda: streamable_http_client(url)) as client:
        tools = [tool.tool_name for tool in client.list_tools_sync()]

        async def call(tool: str, **arguments: object) -> Json:
            result = await client.call_tool_async("1", tool, arguments)
            block, *_ = result["content"]
            return answer(block["text"], result.get("structuredContent"), refused=result["status"] == "error")

        tell(None, tools, asyncio.run(shop(call)))


main(*sys.argv[1:])
