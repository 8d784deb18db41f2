"""Shop with the Python SDK 1.x.   argv: URL (one that ends in /sse has two endpoints), or -- COMMAND to talk to."""

import asyncio
import sys
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp import ClientSession
from steps import Json, answer, shop, tell


def connected(url: str, command: list[str]) -> AbstractAsyncContextManager[Any]:
    """The transport; what some versions lack is imported when it is wanted."""
    if url == "--":
        from mcp.client.stdio import StdioServerParameters, stdio_client  # noqa: PLC0415

        return stdio_client(StdioServerParameters(command=command[0], args=command[1:]))
    if url.endswith("/sse"):
        from mcp.client.sse import sse_client  # noqa: PLC0415

        return sse_client(url)
    from mcp.client.streamable_http import streamablehttp_client  # noqa: PLC0415

    return streamablehttp_client(url)


async def main(url: str, *command: str) -> None:
    async with connected(url, list(command)) as streams, ClientSession(*streams[:2]) as session:

        async def call(tool: str, **arguments: object) -> Json:
            result = await session.call_tool(tool, arguments)
            block, *_ = result.content
            # Older ones keep what they do not know as it came.
            structured = getattr(result, "structuredContent", None)
            return answer(block.text, structured, refused=result.isError)

        hello = await session.initialize()
        tools = (await session.list_tools()).tools
        tell(hello.protocolVersion, [tool.name for tool in tools], await shop(call))


asyncio.run(main(*sys.argv[1:]))
