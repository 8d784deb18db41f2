"""Shop with pydantic-ai's toolset.   argv: URL"""

import asyncio
import sys

from pydantic_ai.exceptions import ModelRetry
from pydantic_ai.mcp import MCPToolset
from steps import Json, answer, shop, tell


async def main(url: str) -> None:
    async with MCPToolset(url) as toolset:

        async def call(tool: str, **arguments: object) -> Json:
            try:
                told = await toolset.direct_call_tool(tool, arguments)
                # With the address of the payment page beside it, it is the first of a list.
                return answer(None, told[0] if isinstance(told, list) else told)
            except ModelRetry as refusal:
                return answer(str(refusal), refused=True)

        tools = [tool.name for tool in await toolset.list_tools()]
        tell(None, tools, await shop(call))


asyncio.run(main(*sys.argv[1:]))
