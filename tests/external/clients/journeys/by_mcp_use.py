"""Shop with mcp-use.   argv: URL"""

import asyncio
import sys

from mcp_use import MCPClient
from steps import Json, answer, shop, tell


async def main(url: str) -> None:
    client = MCPClient.from_dict({"mcpServers": {"shop": {"url": url}}})
    session = await client.create_session("shop")

    async def call(tool: str, **arguments: object) -> Json:
        result = await session.call_tool(tool, arguments)
        block, *_ = result.content
        return answer(block.text, result.structuredContent, refused=result.isError)

    tools = await session.list_tools()
    story = await shop(call)
    await client.close_all_sessions()
    tell(None, [tool.name for tool in tools], story)


asyncio.run(main(*sys.argv[1:]))
