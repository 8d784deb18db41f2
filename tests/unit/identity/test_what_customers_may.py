"""Who may what, where customers sign in: what two customers' tokens get at every tool and at every operator's route."""

import asyncio
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES
from storefront_mcp.access.scopes import ALL_SCOPES
from storefront_mcp.app import create_app, phases as app_phases
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.console.forms import csrf_token
from storefront_mcp.database import Database
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.roadmap.manifest import PromisedTool
from storefront_mcp.settings import Settings
from storefront_mcp.settings.agent_protocols import A2aSettings, UcpSettings
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.telemetry import MetricsSettings
from tests.fakes.agent import MODERN, VERSIONS
from tests.fakes.buyer import Buyer
from tests.fakes.person import Person
from tests.fakes.unlimited_attempts import unlimited_attempts
from tests.journeys.conftest import flip, unhurried
from tests.journeys.signing_in import TwoWorkers
from tests.journeys.test_a_customer_orders import HOME
from tests.serving import free_port, served, until
from tests.unit.identity.callers import OPERATORS_TOOL, stand_in
from tests.unit.identity.test_who_may_what import (
    ADDRESS_IS_THE_KEY,
    ANY,
    ASKED_ANYWHERE,
    AT_ANOTHER,
    BUYERS,
    CONSOLE,
    DOOR,
    DOORSTEP,
    EVERYBODYS,
    GUARDED,
    OPERATORS,
    PUBLISHED,
    READS,
    SEATED,
    SIGNED,
)
from tests.unit.mcp.requests import asked

pytestmark = pytest.mark.slow

ADA, BO, _ = PICKLERS
REVOKE = "/mcp/customers/revoke"
OF_OPERATORS = OPERATORS | {("POST", REVOKE): "manage:grants"}
"""Routes that take an operator's scope."""
OF_PERSONS_AND_CLIENTS = {
    *(("POST", f"/oauth/{name}") for name in ("sign-in", "code", "consent", "token", "register", "revoke")),
    *((verb, path) for verb in READS for path in ("/oauth/authorize", "/account/agents")),
    ("GET", "/oauth/callback"),
    ("POST", "/account/agents"),
}
"""Routes of the sign-in, to which tokens are nothing: each has its own proof, which is in its form or its cookie."""
EVERY_PHASE = dict.fromkeys(("p1_browse", "p2_cart", "p3_checkout", "p4_account"), "active")
ELSEWHERE = StoreId("jar")
JAR = "JAR-DILL"


class CustomersServer:
    """A store at which customers sign in and one at which nobody does; Ada allows all, Bo that orders are read."""

    routes: set[tuple[str, str]]

    def __init__(self, settings: Settings, origin: str) -> None:
        self.settings = settings
        self.origin = origin
        self.client = httpx.Client(base_url=origin, timeout=120)
        self.ada, self.bo = asyncio.run(self._sign_in())
        self.key = self._operators_key()
        self.holds = {self.ada: BUYER_SCOPE_NAMES, self.bo: ("orders:read",)}

    async def _sign_in(self) -> tuple[str, str]:
        agent = TwoWorkers(self.settings, (self.origin, self.origin), None, f"{self.origin}/demo")
        async with Person(ADA.email, ADA.password) as ada, Person(BO.email, BO.password, code=BO.second_factor) as bo:
            all_ = await agent.token(ada)
            narrow = await agent.token(bo, without=frozenset(BUYER_SCOPE_NAMES) - {"orders:read"})
        await agent.http.aclose()
        assert (all_["scope"], narrow["scope"]) == (" ".join(BUYER_SCOPE_NAMES), "orders:read")
        return all_["access_token"], narrow["access_token"]

    def _operators_key(self) -> str:
        """One that may everything; without any there is no console."""
        new = mint_key(
            store=self.settings.stores[0].id,
            label="table",
            scopes=frozenset(ALL_SCOPES),
            by="tests",
            now=dt.datetime.now(dt.UTC),
        )
        database = Database(self.settings.database)
        SqlApiKeyRepository(database).add(new.key, new.digest)
        database.close()
        return new.secret.reveal()

    def send(self, verb: str, path: str, token: str, *, host: str = "", **more: Any) -> httpx.Response:
        fields = {"authorization": f"Bearer {token}"} if token else {}
        fields |= {"host": host} if host else {}
        return self.client.request(verb, path, headers=fields | more.pop("headers", {}), **more)

    def ask(self, method: str, version: str, token: str, *, host: str = "", **params: Any) -> httpx.Response:
        body, routing = asked(method, version, params)
        headers = {"content-type": "application/json"} | {name.decode(): value.decode() for name, value in routing}
        return self.send("POST", "/mcp", token, host=host, headers=headers, content=json.dumps(body))

    def call(self, tool: str, token: str, version: str = VERSIONS[-1], **arguments: Any) -> httpx.Response:
        return self.ask("tools/call", version, token, name=tool, arguments=arguments)

    def value(self, tool: str, token: str, **arguments: Any) -> Any:
        """What a tool returned."""
        result = self.call(tool, token, **arguments).json()["result"]
        assert not result["isError"], result
        return result["structuredContent"]

    def refusal(self, tool: str, token: str, **arguments: Any) -> str:
        """The code of the error that a tool returned."""
        answer = self.call(tool, token, **arguments)
        assert answer.status_code == 200, answer.text
        code: str = answer.json()["result"]["structuredContent"]["error"]["code"]
        return code


def with_an_operators_tool() -> Any:
    """Every phase, and a tool for operators, of which there is none yet, in that for customers."""
    promised = PromisedTool(
        name=OPERATORS_TOOL, summary="For operators", auth="required", scope="read:orders", backed_by="-"
    )
    return tuple(
        replace(
            phase,
            manifest=replace(phase.manifest, tools=(*phase.manifest.tools, promised)),
            tools={**phase.tools, OPERATORS_TOOL: stand_in(OPERATORS_TOOL)},
        )
        if phase.manifest.needs_sign_in
        else phase
        for phase in app_phases.all_phases()
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CustomersServer]:
    port, table = free_port(), with_an_operators_tool()
    state = tmp_path_factory.mktemp("customers")
    settings = unhurried(demo_settings(port, state=state, key=Fernet.generate_key().decode()))
    signs_in = replace(settings.stores[0], ucp=UcpSettings(), a2a=A2aSettings(), pages=("shipping",))
    other = replace(
        signs_in, id=ELSEWHERE, origin=f"http://{ELSEWHERE}.localhost:{port}", hosts=(), icon=None, documentation=None
    )
    other = replace(other, sign_in=replace(other.sign_in, on=False), privacy_policy=None)
    settings = replace(settings, stores=(signs_in, other), metrics=MetricsSettings(on=True))
    with pytest.MonkeyPatch.context() as patched, unlimited_attempts():
        patched.setattr(app_phases, "all_phases", lambda: table)
        flip(settings, EVERY_PHASE)
        flip(settings, {name: status for name, status in EVERY_PHASE.items() if name != "p4_account"}, store=1)
        app = create_app(settings)
        with served(app, port) as origin:
            made = CustomersServer(settings, origin)
            made.routes = {(verb, route.path) for route in app.routes for verb in route.methods}
            yield made
            made.client.close()


def challenge(server: CustomersServer, scope: str) -> str:
    metadata = f"{server.origin}/.well-known/oauth-protected-resource/mcp"
    return f'Bearer error="insufficient_scope", scope="{scope}", resource_metadata="{metadata}"'


def test_the_table_lists_every_route_that_comes_with_the_sign_in(server: CustomersServer) -> None:
    known = {*OF_OPERATORS, *OF_PERSONS_AND_CLIENTS, *ADDRESS_IS_THE_KEY, *SIGNED, *DOOR, *SEATED, *AT_ANOTHER}
    skills = {path for _, path in server.routes if path.startswith("/.well-known/agent-skills/shop-")}
    published = {(verb, path) for verb in READS for path in PUBLISHED | skills}

    assert {route for route in server.routes if route[0] != ASKED_ANYWHERE} - published - known == set()
    assert OF_PERSONS_AND_CLIENTS - server.routes == set(), "of the table, and not there"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_tool_answers_each_customer_as_documented(server: CustomersServer, version: str) -> None:
    for token, holds in server.holds.items():
        for tool in sorted(EVERYBODYS | BUYERS.keys() | GUARDED.keys()):
            answer = server.call(tool, token, version)
            where = f"{holds}, {tool}: {answer.status_code} {answer.text[:300]}"
            needed = GUARDED.get(tool) or (None if tool in EVERYBODYS else BUYERS[tool])
            if needed is None or needed in holds:
                assert answer.status_code == 200, where
                assert "www-authenticate" not in answer.headers, where
            else:
                allowed = [name for name in BUYER_SCOPE_NAMES if name == needed or name in holds]
                wanted = needed if tool in GUARDED else " ".join(allowed)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (403, challenge(server, wanted)), (
                    where
                )
                assert "takes a credential" in answer.text or "is for a buyer who signs in" in answer.text, where


@pytest.mark.parametrize("version", VERSIONS)
def test_no_operators_key_opens_a_tool_of_customers(server: CustomersServer, version: str) -> None:
    for tool in BUYERS.keys() - EVERYBODYS:
        answer = server.call(tool, server.key, version)
        assert answer.status_code == 403, (tool, answer.text)
    assert server.call(OPERATORS_TOOL, server.key, version).status_code == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_lists_show_customers_no_tool_of_the_operators(server: CustomersServer, version: str) -> None:
    for token in server.holds:
        tools = server.ask("tools/list", version, token).json()["result"]["tools"]
        assert {one["name"] for one in tools} == EVERYBODYS | BUYERS.keys()


def test_no_operators_route_lets_a_customer_in(server: CustomersServer) -> None:
    for token, holds in server.holds.items():
        for (verb, path), scope in OF_OPERATORS.items():
            body = {"json": {"everybody": True}} if verb == "POST" else {}
            answer = server.send(verb, path.replace("{id_:str}", "nobody"), token, **body)
            where = f"{holds}, {verb} {path}: {answer.status_code} {answer.text[:300]}"
            assert (answer.status_code, answer.headers["www-authenticate"]) == (403, challenge(server, scope)), where
            assert answer.headers["content-type"] == "application/problem+json", where
        assert server.call("get_customer_orders", token).status_code == 200, "nothing was revoked"


def test_the_console_lets_no_customer_in(server: CustomersServer) -> None:
    for token in server.holds:
        for verb, path in SEATED:
            for fields in ({"authorization": f"Bearer {token}"}, {"cookie": f"operator={token}"}):
                answer = server.client.request(verb, path, headers=fields)
                assert (answer.status_code, answer.headers.get("location")) == (303, DOORSTEP), (verb, path)
        for verb, path in AT_ANOTHER - {(verb, f"{CONSOLE}/at/{{store:str}}/sign-in") for verb in ("GET", "POST")}:
            for store in server.settings.stores:
                there = path.replace("{store:str}", store.id)
                answer = server.client.request(verb, there, headers={"cookie": f"operator={token}"})
                assert answer.status_code in {303, 404}, (verb, there)
                assert answer.headers.get("location", "/sign-in").endswith("/sign-in"), (verb, there)
        form = {"csrf": csrf_token(ANY), "key": token}
        typed = server.client.post(DOORSTEP, headers={"cookie": f"operator-door={ANY}"}, data=form)
        assert typed.status_code in {401, 403}
        assert "operator" not in typed.cookies


def test_a_customers_token_is_none_at_another_store(server: CustomersServer) -> None:
    host = server.settings.stores[1].origin.removeprefix("http://")
    for token in server.holds:
        answer = server.ask("tools/list", *MODERN, token, host=host)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


async def test_a_customers_order_checkout_and_cart_are_found_by_nobody_else(server: CustomersServer) -> None:
    home = {"shipping_method": "auspost_parcel", "shipping_address": HOME}

    def placed(**more: Any) -> tuple[str, Any]:
        cart = server.value("create_cart", server.ada)["cart_id"]
        server.value("add_to_cart", server.ada, cart_id=cart, sku=JAR, quantity=1)
        return cart, server.value("place_order", server.ada, cart_id=cart, email=ADA.email, **home, **more)

    _, bought = placed()
    async with Buyer() as buyer:
        await buyer.pays(bought["continue_url"])
    done = {"checkout_id": bought["checkout_id"]}
    until(lambda: server.value("get_order_status", server.ada, **done)["status"] == "completed", "the order")
    number = server.value("get_order_status", server.ada, **done)["order"]["number"]
    cart, pending = placed()
    open_ = {"checkout_id": pending["checkout_id"]}

    assert server.value("get_order", server.ada, number=number)["number"] == number
    assert server.refusal("get_order", server.bo, number=number) == "order_not_found"
    assert server.refusal("reorder", server.bo, number=number) == "order_not_found"
    for other in (server.bo, ""):
        for checkout in (done, open_):
            assert server.refusal("get_order_status", other, **checkout) == "checkout_not_found"
            assert server.refusal("cancel_checkout", other, **checkout) == "checkout_not_found"
        assert server.refusal("view_cart", other, cart_id=cart) == "cart_not_found"
        assert server.refusal("add_to_cart", other, cart_id=cart, sku=JAR, quantity=1) == "cart_not_found"
        assert server.refusal("place_order", other, cart_id=cart, email=BO.email, **home) == "cart_not_found"
    assert server.value("get_order_status", server.ada, **open_)["status"] == pending["status"], "nobody cancelled it"
