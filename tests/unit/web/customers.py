"""A store at which two customers have signed in, with a stand-in for the verifier of their tokens."""

import json
from typing import Any, Final

import httpx
from msgspec.structs import replace

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES
from storefront_mcp.access.caller import Caller
from storefront_mcp.access.credentials import CredentialRefused
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.web.authentication import BearerAuthenticator
from storefront_mcp.web.cors import OriginGuard
from storefront_mcp.web.host_router import ACCOUNT_PATH, HostRouter
from storefront_mcp.web.site import StoreSite
from storefront_mcp.web.sse import SseEndpoint
from storefront_mcp.web.streamable_http import StreamableHttpEndpoint
from tests.fakes.memory_accounts import MemoryAccount, MemoryAccounts, order
from tests.fakes.memory_backend import NOW, STORE, MemoryBackend, roadmap, shop_on
from tests.unit.mcp.requests import asked
from tests.unit.web.serving import ServedStore

SIGNED_IN: Final = roadmap("p1_browse", "p2_cart", "p3_checkout", "p4_account")
GUESTS_ONLY: Final = roadmap("p1_browse", "p2_cart", "p3_checkout")
ALL: Final = frozenset(BUYER_SCOPE_NAMES)


def customer(name: str, *scopes: str) -> Caller:
    """A customer as the verifier of its token makes it."""
    return Caller(
        kind="customer",
        principal=f"subject-{name}",
        client="Claude at claude.ai",
        scopes=frozenset(scopes) or ALL,
        store=STORE.id,
        grant=f"grant-{name}",
    )


class KnownTokens:
    """`TokenVerifier` by a table."""

    def __init__(self, callers: dict[str, Caller]) -> None:
        self.callers = callers

    async def caller(self, token: str) -> Caller:
        if token not in self.callers:
            raise CredentialRefused("This token has ended.")
        return self.callers[token]


class CustomerSite:
    """The store: ada and bo are signed in; `ada-reads` may read orders and nothing else."""

    def __init__(
        self, under: Roadmap = SIGNED_IN, *, policy: CallPolicy | None = None, served: Shop | None = None
    ) -> None:
        """`served` is the shop with its accounts by grant; without one it is in memory."""
        self.ada = MemoryAccount(order("1001"), order("1002", status="complete", cancellable=False))
        self.bo = MemoryAccount(order("2001"))
        self.accounts = MemoryAccounts({"grant-ada": self.ada, "grant-bo": self.bo})
        self.backend = MemoryBackend()
        self.store: Store = STORE
        shop = served or replace(shop_on(self.backend), accounts=self.accounts)
        self.site = StoreSite(shop, (), under, policy=policy)
        self.tokens = KnownTokens(
            {
                "ada": customer("ada"),
                "bo": customer("bo"),
                "ada-reads": customer("ada", "orders:read"),
                "key": Caller(kind="key", principal="k1", scopes=frozenset({"read:orders", "manage:workspace"})),
            }
        )
        authenticator, guard = BearerAuthenticator(self.site, self.tokens), OriginGuard(self.site, now=lambda: NOW)
        hosts = {self.store.host: self.site}
        self.app = HostRouter(
            hosts,
            {self.store.host: StreamableHttpEndpoint(self.site, guard, authenticator)},
            ServedStore().show_pages,
            accounts={
                self.store.host: StreamableHttpEndpoint(self.site, guard, authenticator.without_guests(ACCOUNT_PATH))
            },
            streams={self.store.host: SseEndpoint(self.site, guard, authenticator)},
        )

    async def send(self, verb: str, path: str, headers: dict[str, str], content: str = "") -> httpx.Response:
        """Send a request as it is."""
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=self.store.origin) as client:
            return await client.request(verb, path, headers=headers, content=content)

    async def ask(
        self, method: str, version: str, token: str | None = None, *, path: str = "/mcp", **params: Any
    ) -> httpx.Response:
        """Ask in the words of a protocol version."""
        body, routing = asked(method, version, params)
        headers = {name.decode(): value.decode() for name, value in routing} | {"content-type": "application/json"}
        headers |= {} if token is None else {"authorization": f"Bearer {token}"}
        return await self.send("POST", path, headers, json.dumps(body))

    async def call(
        self, tool: str, token: str | None, version: str = "2025-11-25", *, path: str = "/mcp", **arguments: Any
    ) -> httpx.Response:
        """Call a tool."""
        return await self.ask("tools/call", version, token, path=path, name=tool, arguments=arguments)

    async def value(self, tool: str, token: str | None, **arguments: Any) -> Any:
        """What a tool returns; fails for an error."""
        answer = await self.call(tool, token, **arguments)
        assert answer.status_code == 200, answer.text
        result = answer.json()["result"]
        assert not result["isError"], result
        return json.loads(result["content"][0]["text"])

    async def refusal(self, tool: str, token: str | None, **arguments: Any) -> str:
        """The code of a tool's refusal."""
        answer = await self.call(tool, token, **arguments)
        assert answer.status_code == 200, answer.text
        result = answer.json()["result"]
        assert result["isError"], result
        return str(result["structuredContent"]["error"]["code"])

    async def tools(self, version: str, token: str | None = None) -> dict[str, Any]:
        """The tools that are listed, by name."""
        answer = await self.ask("tools/list", version, token)
        assert answer.status_code == 200
        return {tool["name"]: tool for tool in answer.json()["result"]["tools"]}
