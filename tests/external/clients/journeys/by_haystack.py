"""Shop with Haystack, by the tools of its toolset.   argv: URL"""

import asyncio
import json
import sys

from haystack.tools.errors import ToolInvocationError
from haystack_integrations.tools.mcp import MCPToolset, StreamableHttpServerInfo
from steps import Json, answer, shop, tell


def main(url: str) -> None:
    toolset = MCPToolset(server_info=StreamableHttpServerInfo(url=url), eager_connect=True)
    tools = {tool.name: tool for tool in toolset}

    async def call(tool: str, **arguments: object) -> Json:
        try:
            result = json.loads(await asyncio.to_thread(tools[tool].invoke, **arguments))
        except ToolInvocationError as refusal:
            return answer(str(refusal), refused=True)
        block, *_ = result["content"]
        return answer(block["text"], result.get("structuredContent", result.get("structured_content")))

    story = asyncio.run(shop(call))
    toolset.close()
    tell(None, tools, story)


main(*sys.argv[1:])
