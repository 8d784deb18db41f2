"""Shop with fastmcp.   argv: URL"""

import asyncio
import sys

from fastmcp import Client
from steps import Json, answer, shop, tell


async def main(url: str) -> None:
    async with Client(url) as client:

        async def call(tool: str, **arguments: object) -> Json:
            result = await client.call_tool(tool, arguments, raise_on_error=False)
            (block,) = result.content
            return answer(block.text, result.structured_content, refused=result.is_error)

        tools = [tool.name for tool in await client.list_tools()]
        tell(None, tools, await shop(call))


asyncio.run(main(*sys.argv[1:]))
