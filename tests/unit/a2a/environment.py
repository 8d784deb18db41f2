"""The agent of a store in memory, asked as over HTTP."""

import datetime as dt

import httpx
from msgspec.structs import replace

from storefront_mcp.a2a.context_ids import ContextIds
from storefront_mcp.a2a.endpoint import A2aEndpoint
from storefront_mcp.a2a.store_agent import StoreAgent
from storefront_mcp.a2a.tasks import TaskService
from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.agent_protocols.a2a import A2A_MOUNT
from storefront_mcp.backends.postal.countries import country_code
from storefront_mcp.calls.agent_protocol import ProtocolRequest
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.roadmap.roadmap import Roadmap
from tests.fakes.a2a_agent import BINDINGS, A2aAgent
from tests.fakes.memory_agent_tasks import MemoryAgentTasks
from tests.fakes.memory_backend import Clock, MemoryBackend, MemoryCartHandles, roadmap, shop_on
from tests.fakes.memory_checkouts import MemoryCheckouts
from tests.unit.calls.test_policy import Record, furnished

SELLING = roadmap("p1_browse", "p2_cart", "p3_checkout")
ORIGIN = "https://pickle.example"
ADDRESS = {
    "first_name": "Ada",
    "last_name": "Byron",
    "street": "1 Queen Street",
    "city": "Brisbane",
    "region": "QLD",
    "postcode": "4000",
    "country": "AU",
}
ORDER = {"email": "ada@example.com", "shipping_address": ADDRESS, "shipping_method": "post"}


class InMemoryStore(httpx.AsyncBaseTransport):
    """One store whose agent is asked without a network."""

    def __init__(self, under: Roadmap = SELLING, *, policy: CallPolicy | None = None) -> None:
        self.clock = Clock()
        self.backend = MemoryBackend()
        self.checkouts = MemoryCheckouts()
        self.handles = MemoryCartHandles()
        shop = shop_on(self.backend, clock=self.clock, cart_handles_in_memory=self.handles)
        self.shop = replace(shop, checkouts=self.checkouts)
        self.records = MemoryAgentTasks()
        self.roadmap = under
        self.record = Record()
        self.policy = policy or furnished(self.record)
        self.caller: Caller = GUEST
        agent = StoreAgent(ContextIds(b"a key of the tests"), TaskService(self.records, now=self.clock), country_code)
        self.endpoint = A2aEndpoint(agent)

    def agent(self, binding: str = BINDINGS[0]) -> A2aAgent:
        """A client."""
        return A2aAgent(ORIGIN, binding, transport=self)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now += dt.timedelta(seconds=seconds)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        runner = ToolRunner(
            roadmap=self.roadmap,
            shop=self.shop,
            caller=self.caller,
            origin=RequestOrigin(address="192.0.2.7", source="a2a"),
            protocol="a2a",
            policy=self.policy,
        )
        answer = await self.endpoint.answer(
            ProtocolRequest(
                method=request.method,
                path=request.url.path.removeprefix(A2A_MOUNT) or "/",
                query=request.url.query,
                fields={name.lower(): value for name, value in request.headers.raw},
                body=body,
                runner=runner,
            )
        )
        headers = [(b"content-type", answer.media_type), *answer.headers]
        return httpx.Response(answer.status, content=answer.body, headers=headers)
