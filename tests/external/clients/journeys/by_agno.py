"""Shop with Agno, by the functions of its toolkit.   argv: URL"""

import asyncio
import sys

from agno.tools.function import FunctionCall
from agno.tools.mcp import MCPTools
from steps import Json, answer, shop, tell


async def main(url: str) -> None:
    async with MCPTools(transport="streamable-http", url=url) as toolkit:

        async def call(tool: str, **arguments: object) -> Json:
            run = await FunctionCall(function=toolkit.functions[tool], arguments=arguments).aexecute()
            assert run.status == "success", run.error
            text = run.result.content
            refused = text.startswith(f"Error from MCP tool '{tool}'")
            # What links the payment page comes in further lines.
            return answer(text, refused=True) if refused else answer(text.partition("\n")[0])

        tell(None, toolkit.functions, await shop(call))


asyncio.run(main(*sys.argv[1:]))
