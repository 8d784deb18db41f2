"""Shop with google-genai, by the adapter that its automatic function calls go through.   argv: URL"""

import asyncio
import sys

from google.genai import types
from google.genai._adapters import McpToGenAiToolAdapter
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from steps import Json, answer, shop, tell


async def main(url: str) -> None:
    async with streamablehttp_client(url) as streams, ClientSession(*streams[:2]) as session:
        hello = await session.initialize()
        adapter = McpToGenAiToolAdapter(session, await session.list_tools())

        async def call(tool: str, **arguments: object) -> Json:
            result = await adapter.call_tool(types.FunctionCall(name=tool, args=arguments))
            block, *_ = result.content
            return answer(block.text, result.structuredContent, refused=result.isError)

        names = [function.name for tool in adapter.tools for function in tool.function_declarations]
        tell(hello.protocolVersion, names, await shop(call))


asyncio.run(main(*sys.argv[1:]))
