"""Shop with openai-agents, as an agent's own tool calls do.   argv: URL"""

import asyncio
import sys

from agents.mcp import MCPServerStreamableHttp
from steps import Json, answer, shop, tell


async def main(url: str) -> None:
    async with MCPServerStreamableHttp(params={"url": url}) as server:

        async def call(tool: str, **arguments: object) -> Json:
            result = await server.call_tool(tool, arguments)
            block, *_ = result.content
            told = result.model_dump(by_alias=True)
            return answer(block.text, told.get("structuredContent"), refused=told["isError"])

        tools = [tool.name for tool in await server.list_tools()]
        tell(None, tools, await shop(call))


asyncio.run(main(*sys.argv[1:]))
