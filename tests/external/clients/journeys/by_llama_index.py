"""Shop with llama-index.   argv: URL"""

import asyncio
import sys

from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from steps import Json, answer, shop, tell


async def main(url: str) -> None:
    client = BasicMCPClient(url)

    async def call(tool: str, **arguments: object) -> Json:
        result = await client.call_tool(tool, arguments)
        block, *_ = result.content
        told = result.model_dump(by_alias=True)
        return answer(block.text, told["structuredContent"], refused=told["isError"])

    tools = await McpToolSpec(client=client).to_tool_list_async()
    tell(None, [tool.metadata.name for tool in tools], await shop(call))


asyncio.run(main(*sys.argv[1:]))
