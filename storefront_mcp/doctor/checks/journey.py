"""End-to-end checks over MCP as a buyer's agent: browse and, where allowed, fill and empty a cart."""

import time
from collections.abc import Sequence
from typing import Any, Final, Self

from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.checks.card import endpoint_of
from storefront_mcp.doctor.mcp_client import (
    Json,
    McpClient,
    ProtocolViolation,
    StreamableHttpClient,
    call_tool,
    list_tools,
)
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.doctor.phrases import country_of
from storefront_mcp.findings import Finding, fault, note, ok, warning
from storefront_mcp.mcp.versions import LATEST_HANDSHAKE_VERSION

SLOW_SECONDS: Final = 2.0
"""Seconds per call from which a waiting buyer notices."""
MAX_PRODUCTS_TRIED: Final = 20
FALLBACK_COUNTRIES: Final = ("AU", "US", "GB", "DE", "FR", "CA", "NZ", "IN")
"""ISO 3166-1 countries tried after the store's own."""


class ToolUnlisted(Exception):
    """A journey has come to a tool that the endpoint does not list, so its phase is not open."""


class ShoppingAgent:
    """An agent that calls the tools that an endpoint lists."""

    def __init__(self, client: McpClient, listed: Sequence[str]) -> None:
        self._client = client
        self._listed = frozenset(listed)

    @classmethod
    async def at(cls, patient: ExaminedStore) -> Self:
        """An agent that is connected to a store's endpoint. Raises ProtocolViolation."""
        client = StreamableHttpClient(patient.web, endpoint_of(await patient.card(), patient), LATEST_HANDSHAKE_VERSION)
        await client.open()
        return cls(client, await list_tools(client))

    async def call(self, tool: str, arguments: Json) -> Json:
        """A tool's value. Raises ToolUnlisted, and ProtocolViolation."""
        if tool not in self._listed:
            raise ToolUnlisted
        return await call_tool(self._client, tool, arguments)


def _examine(patient: ExaminedStore) -> str:
    """The command line that examines settings and shop as well."""
    return patient.command("doctor", *(() if patient.subject.options else ("--config", "PATH")))


def _blame(patient: ExaminedStore) -> str:
    if patient.subject.behind is not None:
        return "Put the shop behind it right first, if that has a fault; else look at the server's log."
    return f"Look at the server's log, and examine the shop behind it: {_examine(patient)}"


@check("journey.browse", "Does an agent find something to buy?", "address", after=("card.endpoint",))
async def check_browsing(patient: ExaminedStore) -> Findings:
    """Call search, product, categories and one category; warn above SLOW_SECONDS a call."""
    if not await patient.open():
        yield ok("Nothing is open yet.")
        return
    began = time.monotonic()
    try:
        agent = await ShoppingAgent.at(patient)
        products = _members(await agent.call("search_products", {"page_size": 5}), "products")
        if not products:
            yield fault("A search for everything finds no product.", _blame(patient))
            return
        sku = products[0].get("sku")
        product = await agent.call("get_product", {"sku": sku})
        categories = _members(await agent.call("list_categories", {"depth": 1}), "categories")
        if categories:
            await agent.call("get_category", {"category": str(categories[0].get("id")), "page_size": 2})
        else:
            yield warning("There are no categories.", _blame(patient))
        yield ok(f"It finds {product.get('name')} ({sku}).")
    except ToolUnlisted:
        yield note("Browsing is not open here.", f"See which phase opens it: {patient.command('phases')}")
        return
    except ProtocolViolation as violation:
        yield fault(f"The endpoint {violation}.", _blame(patient))
        return
    each = (time.monotonic() - began) / 6
    if each > SLOW_SECONDS:
        yield warning(f"A call takes {each:.1f} s.", f"Find out what is slow: {_examine(patient)}")


@check(
    "journey.cart", "Does an agent fill a cart and learn what it costs?", "address", "cart", after=("journey.browse",)
)
async def check_cart(patient: ExaminedStore) -> Findings:
    """Make one cart, quote shipping and empty it; places no order."""
    if not await patient.open():
        yield ok("Nothing is open yet.")
        return
    try:
        agent = await ShoppingAgent.at(patient)
        filled = await _fill_cart(agent)
        if filled is None:
            yield warning(
                "None of the first products can be put into a cart as it is.", "Have a simple product in stock."
            )
            return
        handle, lines = filled["cart_id"], _members(filled, "lines")
        yield ok(f"{lines[0].get('sku')} was put into a cart.")
        try:
            yield await _quote_shipping(agent, handle, patient)
        finally:
            for line in lines:
                await agent.call("remove_from_cart", {"cart_id": handle, "line_id": line.get("line_id")})
        left = _members(await agent.call("view_cart", {"cart_id": handle}), "lines")
        if left:
            yield warning(f"{len(left)} lines stayed in the cart.", _blame(patient))
        else:
            yield ok("The cart was left empty.")
    except ToolUnlisted:
        yield note("Carts are not open here.", f"See which phase opens them: {patient.command('phases')}")
    except ProtocolViolation as violation:
        yield fault(f"The endpoint {violation}.", _blame(patient))


async def _quote_shipping(agent: ShoppingAgent, handle: str, patient: ExaminedStore) -> Finding:
    """Quote shipping of a cart to the first country that the shop serves."""
    behind = patient.subject.behind
    home = None if behind is None else country_of(behind.store.locale)
    refused = ""
    for country in dict.fromkeys([*([] if home is None else [home]), *FALLBACK_COUNTRIES]):
        try:
            quote = await agent.call("get_shipping_methods", {"cart_id": handle, "address": {"country": country}})
        except ProtocolViolation as violation:
            refused = str(violation)
            continue
        methods = _members(quote, "methods")
        if methods:
            return ok(f"Ways to send it to {country}: {len(methods)}.")
        refused = f"knows no way to {country}"
    return warning(
        f"What sending it costs could not be learnt: the endpoint {refused}.", "Try an address that the shop serves."
    )


async def _fill_cart(agent: ShoppingAgent) -> Json | None:
    """A cart with the first product that can be added without options; None where there is none."""
    found = _members(await agent.call("search_products", {"page_size": MAX_PRODUCTS_TRIED}), "products")
    handle = (await agent.call("create_cart", {}))["cart_id"]
    for product in found:
        if not product.get("choose") and product.get("in_stock", True):
            try:
                return await agent.call("add_to_cart", {"cart_id": handle, "sku": product.get("sku")})
            except ProtocolViolation:
                continue
    return None


def _members(value: Json, key: str) -> list[dict[str, Any]]:
    """The objects in a list of a tool result."""
    members = value.get(key)
    return [one for one in members if isinstance(one, dict)] if isinstance(members, list) else []


CHECKS: Final[tuple[DoctorCheck, ...]] = (check_browsing, check_cart)
