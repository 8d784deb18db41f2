"""Sign a person in with the Python SDK 1.x, and read their orders.   argv: URL E-MAIL PASSWORD FOLDER [WITHOUT]

FOLDER holds the module of the person. The first time the person takes away the scopes WITHOUT, separated by spaces.
"""

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


PATIENCE_SECONDS = 60.0
"""How long a call may take before it counts as unanswered."""


async def outcome(session: ClientSession, tool: str) -> str:
    """What becomes of a call: answered, refused, or unanswered."""
    try:
        result = await asyncio.wait_for(session.call_tool(tool, {}), PATIENCE_SECONDS)
    except TimeoutError:
        return "unanswered"
    except Exception:  # noqa: BLE001 -- each version has another one
        return "refused"
    return "refused" if result.isError else "answered"


async def main(url: str, email: str, password: str, folder: str, without: str = "") -> None:
    sys.path.append(folder)
    from person import Person, answer_of  # noqa: PLC0415 -- of the tests, which this environment knows nothing of

    kept, led_to = MemoryTokens(), []
    async with Person(email, password) as person:

        async def show(address: str) -> None:
            taken = frozenset() if led_to else frozenset(without.split())
            led_to.append(await person.allow(address, without=taken))

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
        orders, more = None, "lost"
        try:
            async with streamablehttp_client(url, auth=provider) as streams, ClientSession(*streams[:2]) as session:
                hello = await session.initialize()
                await session.list_tools()
                found = await session.call_tool("search_products", {"query": "paddle"})
                at_once = len(led_to)
                orders = await session.call_tool("get_customer_orders", {})
                scope = kept.tokens.scope
                more = await outcome(session, "list_addresses")
        except Exception:
            # Some versions do not outlive a refusal by HTTP.
            if orders is None:
                raise
    told = {
        "version": hello.protocolVersion,
        "refused": [one.isError for one in (found, orders)],
        "more": more,
        "at_once": at_once,
        "signed_in": len(led_to),
        "scope": scope,
        "orders": json.loads(orders.content[0].text),
    }
    sys.stdout.write(json.dumps(told) + "\n")


asyncio.run(main(*sys.argv[1:]))
