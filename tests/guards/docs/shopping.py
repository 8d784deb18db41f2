"""Call every tool once on the demo shop, and measure what its answer costs a model."""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct

from storefront_mcp.app import all_phases, create_app, planned_roadmap
from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.commerce.accounts import CustomerAccount
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.customers import ShopSession
from storefront_mcp.commerce.guest_carts import GuestCarts
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.order import OrderDraft, OrderSettlement
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.demo.shop import demo_shop
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.tools.tool import Tool
from tests.fakes.agent import Agent, Json
from tests.fakes.memory_backend import STORE, Clock, MemoryCartHandles
from tests.guards.docs.markdown import table
from tests.journeys.wishes.shopper import Shopper, open_shop
from tests.unit.web.customers import CustomerSite

PORT = 8000
BYTES_PER_TOKEN = 4
VERSION = "2025-11-25"
BRISBANE = {"country": "AU", "region": "QLD", "postcode": "4000"}
ADA = {
    "first_name": "Ada",
    "last_name": "Byron",
    "street": "1 Queen Street",
    "city": "Brisbane",
    **BRISBANE,
    "phone": "+61 7 5550 1234",
}
ADDRESS: dict[str, object] = {
    "id": 1,
    "firstname": "Ada",
    "lastname": "Brine",
    "street": ["1 Queen Street"],
    "city": "Brisbane",
    "region": "Queensland",
    "postcode": "4000",
    "countryId": "AU",
    "telephone": "+61 7 5550 1234",
    "isDefaultShipping": True,
}
"""As the demo shop keeps it."""
DEFINITION = ("name", "description", "inputSchema")
"""What clients give a model of a tool."""
ORDERING = frozenset({"place_order", "get_order_status", "cancel_checkout"})


class Told(Struct, frozen=True):
    """A call and the text of its result."""

    tool: str
    arguments: Json
    text: str

    @property
    def tokens(self) -> int:
        """What the text costs, estimated."""
        return -(-len(self.text.encode()) // BYTES_PER_TOKEN)


class Bought(Struct, frozen=True):
    """A whole journey."""

    listed: Json
    """The result of tools/list."""
    calls: Sequence[Told]

    @property
    def list_tokens(self) -> int:
        """What the list costs on its way, estimated."""
        return _tokens(self.listed)

    @property
    def definition_tokens(self) -> int:
        """What of the list a model reads: titles and hints are for the client program."""
        return _tokens([{name: tool[name] for name in DEFINITION} for tool in self.listed["tools"]])

    @property
    def result_tokens(self) -> int:
        """What the results cost, estimated."""
        return sum(told.tokens for told in self.calls)


class Shopping:
    """Calls by one agent, and what was told."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.calls: list[Told] = []

    async def call(self, tool: str, **arguments: Any) -> Json:
        """What the tool returned; nothing if it refused."""
        result = await self._agent.call(tool, **arguments)
        text = result["content"][0]["text"]
        self.calls.append(Told(tool, arguments, text))
        return {} if result["isError"] else json.loads(text)

    async def bought(self) -> Bought:
        """All of it, with the tools."""
        return Bought((await self._agent.ask("tools/list"))["result"], self.calls)


def delivered() -> Mapping[str, Tool]:
    """Every tool that works."""
    return {name: tool for phase in all_phases() for name, tool in phase.tools.items()}


@asynccontextmanager
async def opened(state: Path) -> AsyncIterator[Agent]:
    """An agent at the demo shop, with every phase open that can be."""
    settings = demo_settings(PORT, state=state)
    store = settings.stores[0]
    database = Database(settings.database)
    flags = SqlFlipRepository(database)
    planned = planned_roadmap(store)
    working = [phase.name for phase in planned.phases if phase.delivered and not phase.missing]
    flags.flip(planned, store.id, dict.fromkeys(working, "active"), by="docs")
    flags.close()
    database.close()
    wire = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(settings)))  # type: ignore[arg-type]
    async with Agent(store.origin, VERSION, client=wire) as agent:
        yield agent


async def journey(state: Path) -> Bought:
    """From the first search to an order that waits for its buyer, by way of every tool."""
    async with opened(state) as agent:
        shopping = Shopping(agent)
        call = shopping.call
        await call("get_store_info", topic="contact")
        await call("list_categories", depth=1)
        await call("get_category", category="apparel/tops", page_size=3)
        await call("search_products", query="tee", page_size=3)
        await call("get_product", sku="TEE")
        await call("get_related_products", sku="TEE")
        cart = (await call("create_cart"))["cart_id"]
        await call("add_to_cart", cart_id=cart, sku="TEE")
        lines = (await call("add_to_cart", cart_id=cart, sku="TEE-BLACK-M", quantity=2))["lines"]
        await call("update_cart_item", cart_id=cart, line_id=lines[0]["line_id"], quantity=1)
        lines = (await call("add_to_cart", cart_id=cart, sku="JAR-DILL"))["lines"]
        await call("remove_from_cart", cart_id=cart, line_id=lines[0]["line_id"])
        await call("apply_coupon", cart_id=cart, code="SAVE10")
        await call("remove_coupon", cart_id=cart)
        await call("apply_gift_card", cart_id=cart, code="GC-BRINE-5")
        await call("remove_gift_card", cart_id=cart, code="…E-5")
        quote = await call("get_shipping_methods", cart_id=cart, address=BRISBANE)
        await call("view_cart", cart_id=cart)
        order = {
            "cart_id": cart,
            "email": "ada@example.com",
            "shipping_address": ADA,
            "shipping_method": quote["methods"][0]["code"],
        }
        checkout = (await call("place_order", **order))["checkout_id"]
        await call("place_order", **order, dry_run=True)
        await call("get_order_status", checkout_id=checkout)
        await call("cancel_checkout", checkout_id=checkout)
        return await shopping.bought()


class AccountAgent(Agent):
    """An agent of a customer who has signed in, at a site in this process."""

    def __init__(self, site: CustomerSite, token: str) -> None:
        wire = httpx.AsyncClient(
            transport=httpx.ASGITransport(site.app),  # type: ignore[arg-type]
            headers={"authorization": f"Bearer {token}"},
        )
        super().__init__(site.store.origin, VERSION, client=wire)


async def account_journey() -> Bought:
    """What a customer's agent does with their orders at the demo shop, by way of every tool of the account."""
    shop = demo_shop()
    backend, close = connect(
        MahoConfig(url="http://shop.test", prices_include_tax=True), "AUD", transport=httpx.ASGITransport(shop)
    )
    ada = PICKLERS[0]
    signed_in = await backend.login.sign_in(ada.email, ada.password)
    assert isinstance(signed_in, ShopSession)
    account = backend.account(signed_in)
    await _stock_account(backend, account, ada.email)
    shop.demo.address_books[1] = [dict(ADDRESS)]
    carts = GuestCarts(STORE.id, backend, MemoryCartHandles(), now=Clock())
    served = Shop(STORE, backend, carts, accounts=OneAccount(account))
    async with AccountAgent(CustomerSite(served=served), "ada") as agent:
        shopping = Shopping(agent)
        call = shopping.call
        newest = (await call("get_customer_orders", page_size=2))["orders"][0]["number"]
        await call("get_order", number=newest)
        await call("cancel_order", number=newest, reason="ordered twice")
        await call("reorder", number=newest)
        await call("list_addresses")
        bought = await shopping.bought()
    await close()
    return bought


class OneAccount:
    """`CustomerAccounts` with one account for every grant."""

    def __init__(self, account: CustomerAccount) -> None:
        self._account = account

    async def account(self, grant: str) -> CustomerAccount:
        return self._account


async def _stock_account(backend: MahoBackend, account: CustomerAccount, email: str) -> None:
    """Two orders of a customer."""
    home = PostalAddress(**ADA)
    draft = OrderDraft(email=email, shipping_address=home, billing_address=home, shipping_method="auspost_parcel")
    for sku, quantity in (("TEE-BLACK-M", 1), ("JAR-DILL", 2)):
        cart = (await backend.create_cart()).cart_id
        await backend.add_line(cart, Sku(sku), quantity, {})
        total = (await backend.quote_order(cart, draft)).totals.total
        await account.place_order(cart, draft, OrderSettlement(method="checkmo", reference=f"chk_{sku}"), total)


async def session(state: Path, *, mirror: bool = False) -> Bought:
    """A typical one: two jars with a coupon, from the first look to an order that the buyer has paid."""
    with open_shop(state, mirror=mirror) as shop:
        async with Agent(shop.origin, VERSION) as agent, Shopper(shop, VERSION) as person:
            return await _two_jars(Shopping(agent), person)


async def _two_jars(shopping: Shopping, person: Shopper) -> Bought:
    call = shopping.call
    await call("list_categories", depth=1)
    await call("search_products", query="warehouse dill")
    await call("get_product", sku="JAR-DILL")
    cart = (await call("create_cart"))["cart_id"]
    [line] = (await call("add_to_cart", cart_id=cart, sku="JAR-DILL"))["lines"]
    await call("update_cart_item", cart_id=cart, line_id=line["line_id"], quantity=2)
    await call("apply_coupon", cart_id=cart, code="SAVE10")
    quote = await call("get_shipping_methods", cart_id=cart, address=BRISBANE)
    await call("view_cart", cart_id=cart)
    way = quote["methods"][0]["code"]
    order = {"cart_id": cart, "email": "ada@example.com", "shipping_address": ADA, "shipping_method": way}
    await call("place_order", **order, dry_run=True)
    placed = await call("place_order", **order)
    await call("get_order_status", checkout_id=placed["checkout_id"])
    await person.pays(placed)
    done = await call("get_order_status", checkout_id=placed["checkout_id"])
    assert done["status"] == "completed"
    return await shopping.bought()


def reference(*journeys: Bought) -> str:
    """Every delivered tool: what it is for, its arguments, one real result."""
    calls = [told for bought in journeys for told in bought.calls]
    return "\n\n".join(_entry(tool, calls) for tool in delivered().values())


def costs(bought: Bought) -> str:
    """What a model reads for each call of the journey, in estimated tokens."""
    rows = [[f"`{told.tool}`", f"`{_brief(told.arguments)}`", str(told.tokens)] for told in bought.calls]
    rows += [
        ["**the whole journey**", "", f"**{bought.result_tokens}**"],
        ["`tools/list`, once per connection", "", str(bought.list_tokens)],
    ]
    return table(["Call", "Arguments", "Tokens"], rows)


def session_costs(typical: Bought) -> str:
    """What a model reads in a typical session, with what it is told of the tools."""
    rows = [[f"`{told.tool}`", f"`{_brief(told.arguments)}`", str(told.tokens)] for told in typical.calls]
    rows += [
        ["the tools, as a model is given them", "", str(typical.definition_tokens)],
        ["**the whole session**", "", f"**{typical.definition_tokens + typical.result_tokens}**"],
        ["with all of `tools/list`", "", str(typical.list_tokens + typical.result_tokens)],
    ]
    return table(["Call", "Arguments", "Tokens"], rows)


def _tokens(value: object) -> int:
    return -(-len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()) // BYTES_PER_TOKEN)


def _entry(tool: Tool, calls: Sequence[Told]) -> str:
    told = next(one for one in calls if one.tool == tool.name and one.text.startswith("{"))
    shown = json.dumps(json.loads(_masked(told.text)), ensure_ascii=False, indent=2)
    asked = _masked(_json(told.arguments))
    hints = ["reads"] if not tool.writes else ["writes", *(["may take something away"] if tool.destructive else [])]
    hints += ["may be repeated"] if tool.idempotent else ["must not be repeated blindly"]
    return (
        f"### {tool.name}\n\n{tool.description}\n\n*{', '.join(hints)}*\n\n{_arguments(tool)}\n\n"
        f"`{asked}` answers:\n\n```json\n{_trimmed(shown)}\n```"
    )


def _arguments(tool: Tool) -> str:
    schema = tool.input_schema
    if not schema["properties"]:
        return "It takes no arguments."
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    rows: list[list[str]] = []
    told: set[str] = set()
    for name, member in schema["properties"].items():
        rows.append(_argument(name, member, required=name in schema.get("required", ())))
        definition = str(member.get("$ref", "")).rpartition("/")[2]
        inner = {} if definition in told else definitions.get(definition, {})
        told.add(definition)
        rows += [
            _argument(f"{name}.{field}", within, required=field in inner.get("required", ()))
            for field, within in inner.get("properties", {}).items()
        ]
    return table(["Argument", "Type", "Meaning"], rows)


def _argument(name: str, member: Mapping[str, Any], *, required: bool) -> list[str]:
    kind = " or ".join(map(str, member["enum"])) if "enum" in member else member.get("type", "object")
    least, most = member.get("minimum"), member.get("maximum")
    if least is not None:
        kind += f", {least} to {most}" if most is not None else f", at least {least}"
    meaning = [str(member["description"])] if "description" in member else []
    meaning += ["required"] if required else []
    return [f"`{name}`", kind, "; ".join(meaning)]


def _trimmed(shown: str, most: int = 40) -> str:
    """A result, cut where a reader has understood."""
    lines = shown.splitlines()
    return "\n".join(lines if len(lines) <= most else [*lines[:most], "…"])


def _brief(sent: Json, most: int = 100) -> str:
    """Arguments, and of long ones the two ends."""
    arguments = _masked(_json(sent))
    return arguments if len(arguments) <= most else f"{arguments[: most // 2]}…{arguments[-most // 2 :]}"


def _masked(text: str) -> str:
    """A text without what differs every time."""
    text = re.sub(r"\b(cart|chk)_[0-9a-z]{26,32}(?:\.[\w-]+)?", r"\1_…", text)
    text = re.sub(r"/pay/[\w.~-]+", "/pay/…", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2027-02-01T18:00:00Z", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", "2027-02-08T09:00Z", text)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
