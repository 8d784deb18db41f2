"""Shop as a buyer's agent does: look around, and, where that is allowed, fill a cart and empty it again."""

import time
from typing import Any, Final

from storefront_mcp.doctor.checks.card import endpoint_of
from storefront_mcp.doctor.findings import Check, Finding, Findings, check, fault, note, ok, warning
from storefront_mcp.doctor.patient import Patient
from storefront_mcp.doctor.talk import Client, Json, Misspoken, Streamable, call, tools
from storefront_mcp.doctor.words import country_of
from storefront_mcp.mcp.versions import OFFERED

BROWSE: Final = ("search_products", "get_product", "list_categories", "get_category")
CART: Final = ("create_cart", "add_to_cart", "get_shipping_methods", "remove_from_cart", "view_cart")
SLOW: Final = 2.0
"""Seconds for one call that a person who waits for an agent notices."""
TRIED: Final = 20
COUNTRIES: Final = ("AU", "US", "GB", "DE", "FR", "CA", "NZ", "IN")
"""Where a cart might be sent to, after the store's own country."""
BLAME: Final = "Look at the server's log, and examine the shop behind it: storefront-mcp doctor --config PATH"


async def _shopping(patient: Patient) -> tuple[Client, list[str]]:
    """A client that has said hello, and the tools it is shown."""
    client = Streamable(patient.web, endpoint_of(await patient.card(), patient), OFFERED)
    await client.open()
    return client, await tools(client)


@check("journey.browse", "An agent finds something to buy", "address", after=("card.endpoint",))
async def browse(patient: Patient) -> Findings:
    """A search, a product, the categories, one of them."""
    if not await patient.open():
        yield ok("Nothing is open yet.")
        return
    began = time.monotonic()
    try:
        client, there = await _shopping(patient)
        if not set(BROWSE) <= set(there):
            yield note("Browsing is not open here.", "See which phase opens it: storefront-mcp phases")
            return
        products = _members(await call(client, "search_products", {"page_size": 5}), "products")
        if not products:
            yield fault("A search for everything finds no product.", BLAME)
            return
        sku = products[0].get("sku")
        product = await call(client, "get_product", {"sku": sku})
        categories = _members(await call(client, "list_categories", {"depth": 1}), "categories")
        if categories:
            await call(client, "get_category", {"category": str(categories[0].get("id")), "page_size": 2})
        else:
            yield warning("There are no categories.", BLAME)
        yield ok(f"It finds {product.get('name')} ({sku}).")
    except Misspoken as misspoken:
        yield fault(f"The endpoint {misspoken}.", BLAME)
        return
    each = (time.monotonic() - began) / 6
    if each > SLOW:
        yield warning(f"A call takes {each:.1f} s.", "Find out what is slow: storefront-mcp doctor --config PATH")


@check("journey.cart", "An agent fills a cart and learns what it costs", "address", "cart", after=("journey.browse",))
async def cart(patient: Patient) -> Findings:
    """One cart, left empty. No order is placed."""
    if not await patient.open():
        yield ok("Nothing is open yet.")
        return
    try:
        client, there = await _shopping(patient)
        if not set(CART) <= set(there):
            yield note("Carts are not open here.", "See which phase opens them: storefront-mcp phases")
            return
        filled = await _filled(client)
        if filled is None:
            yield warning(
                "None of the first products can be put into a cart as it is.", "Have a simple product in stock."
            )
            return
        handle, lines = filled["cart_id"], _members(filled, "lines")
        yield ok(f"{lines[0].get('sku')} was put into a cart.")
        try:
            yield await _quoted(client, handle, patient)
        finally:
            for line in lines:
                await call(client, "remove_from_cart", {"cart_id": handle, "line_id": line.get("line_id")})
        left = _members(await call(client, "view_cart", {"cart_id": handle}), "lines")
        if left:
            yield warning(f"{len(left)} lines stayed in the cart.", BLAME)
        else:
            yield ok("The cart was left empty.")
    except Misspoken as misspoken:
        yield fault(f"The endpoint {misspoken}.", BLAME)


async def _quoted(client: Client, handle: str, patient: Patient) -> Finding:
    """What sending a cart costs, to the first country that the shop serves."""
    behind = patient.subject.behind
    home = None if behind is None else country_of(behind.store.locale)
    refused = ""
    for country in dict.fromkeys([*([] if home is None else [home]), *COUNTRIES]):
        try:
            quote = await call(client, "get_shipping_methods", {"cart_id": handle, "address": {"country": country}})
        except Misspoken as misspoken:
            refused = str(misspoken)
            continue
        methods = _members(quote, "methods")
        if methods:
            return ok(f"Ways to send it to {country}: {len(methods)}.")
        refused = f"knows no way to {country}"
    return warning(
        f"What sending it costs could not be learnt: the endpoint {refused}.", "Try an address that the shop serves."
    )


async def _filled(client: Client) -> Json | None:
    """A cart with the first product that needs no choice; None where there is none."""
    found = _members(await call(client, "search_products", {"page_size": TRIED}), "products")
    handle = (await call(client, "create_cart", {}))["cart_id"]
    for product in found:
        if not product.get("choose") and product.get("in_stock", True):
            try:
                return await call(client, "add_to_cart", {"cart_id": handle, "sku": product.get("sku")})
            except Misspoken:
                continue
    return None


def _members(value: Json, key: str) -> list[dict[str, Any]]:
    """The objects of a list in an answer."""
    members = value.get(key)
    return [one for one in members if isinstance(one, dict)] if isinstance(members, list) else []


CHECKS: Final[tuple[Check, ...]] = (browse, cart)
