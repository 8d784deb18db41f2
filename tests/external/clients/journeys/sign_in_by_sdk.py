"""Sign a person in with the Python SDK 1.x, and read their orders.   argv: URL E-MAIL PASSWORD FOLDER-OF-PERSON"""

import asyncio
import json
import sys
from typing import Any

from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamablehttp_client
from mcp.shared.auth import OAuthClientMetadata


class MemoryTokens:
    """Keeps what the client would write down."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.client: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


async def main(url: str, email: str, password: str, folder: str) -> None:
    sys.path.append(folder)
    from person import Person, answer_of  # noqa: PLC0415 -- of the tests, which this environment knows nothing of

    kept, led_to = MemoryTokens(), []
    async with Person(email, password) as person:

        async def show(address: str) -> None:
            led_to.append(await person.allow(address))

        async def come_back() -> tuple[str, str | None]:
            answer = answer_of(led_to[-1])
            return answer["code"], answer.get("state")

        metadata = OAuthClientMetadata(redirect_uris=["http://127.0.0.1:3999/callback"], client_name="Journey")
        provider = OAuthClientProvider(
            server_url=url,
            client_metadata=metadata,
            storage=kept,
            redirect_handler=show,
            callback_handler=come_back,
        )
        async with streamablehttp_client(url, auth=provider) as streams, ClientSession(*streams[:2]) as session:
            hello = await session.initialize()
            await session.list_tools()
            found = await session.call_tool("search_products", {"query": "paddle"})
            at_once = len(led_to)
            orders = await session.call_tool("get_customer_orders", {})
            again = await session.call_tool("list_addresses", {})
    told = {
        "version": hello.protocolVersion,
        "refused": [one.isError for one in (found, orders, again)],
        "at_once": at_once,
        "signed_in": len(led_to),
        "scope": kept.tokens.scope,
        "orders": json.loads(orders.content[0].text),
    }
    sys.stdout.write(json.dumps(told) + "\n")


asyncio.run(main(*sys.argv[1:]))
