"""Shop with langchain-mcp-adapters, by the tools it makes.   argv: URL"""

import asyncio
import sys

from langchain_core.tools import ToolException
from langchain_mcp_adapters.client import MultiServerMCPClient
from steps import Json, answer, shop, tell


async def main(url: str) -> None:
    client = MultiServerMCPClient({"shop": {"transport": "streamable_http", "url": url}})
    tools = {tool.name: tool for tool in await client.get_tools()}

    async def call(tool: str, **arguments: object) -> Json:
        asked = {"type": "tool_call", "id": "1", "name": tool, "args": arguments}
        try:
            message = await tools[tool].ainvoke(asked)
        except ToolException as refusal:
            return answer(str(refusal), refused=True)
        block, *_ = message.content
        if message.status == "error":
            return answer(block["text"], refused=True)
        return answer(block["text"], message.artifact["structured_content"])

    tell(None, tools, await shop(call))


asyncio.run(main(*sys.argv[1:]))
