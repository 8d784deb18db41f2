"""Shop with fastmcp.   argv: URL"""

import asyncio
import sys

from fastmcp import Client
from steps import Json, answer, shop, tell


async def main(url: str) -> None:
    async with Client(url) as client:

        async def call(tool: str, **arguments: object) -> Json:
            result = await client.call_tool(tool, arguments, raise_on_error=False)
            block, *_ = result.content
            # Its data is what its users read.
            return answer(block.text, result.data, refused=result.is_error)

        tools = [tool.name for tool in await client.list_tools()]
        tell(None, tools, await shop(call))


asyncio.run(main(*sys.argv[1:]))
