"""Shop with google-adk, by the tools of its toolset.   argv: URL"""

import asyncio
import sys
from unittest.mock import MagicMock

from google.adk.tools.mcp_tool import McpToolset, StreamableHTTPConnectionParams
from steps import Json, answer, shop, tell


async def main(url: str) -> None:
    toolset = McpToolset(connection_params=StreamableHTTPConnectionParams(url=url))
    tools = {tool.name: tool for tool in await toolset.get_tools()}
    for tool in tools.values():
        assert tool._get_declaration() is not None

    async def call(tool: str, **arguments: object) -> Json:
        told = await tools[tool].run_async(args=arguments, tool_context=MagicMock())
        block, *_ = told["content"]
        return answer(block["text"], told.get("structuredContent"), refused=told["isError"])

    story = await shop(call)
    await toolset.close()
    tell(None, tools, story)


asyncio.run(main(*sys.argv[1:]))
