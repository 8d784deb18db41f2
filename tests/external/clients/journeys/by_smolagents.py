"""Shop with smolagents, by the tools it makes.   argv: URL"""

import asyncio
import json
import sys

from smolagents import MCPClient
from steps import Json, answer, shop, tell


def main(url: str) -> None:
    with MCPClient({"url": url, "transport": "streamable-http"}, structured_output=False) as made:
        tools = {tool.name: tool for tool in made}

        async def call(tool: str, **arguments: object) -> Json:
            text = tools[tool](**arguments)
            # It shows no difference between a result and a refusal.
            try:
                json.loads(text)
            except ValueError:
                return answer(text, refused=True)
            return answer(text)

        tell(None, tools, asyncio.run(shop(call)))


main(*sys.argv[1:])
