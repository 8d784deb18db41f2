"""The Universal Commerce Protocol here: releases, addresses, and the tools that each capability is made of."""

import functools
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

SPECIFICATION: Final = "https://ucp.dev"
UCP_MOUNT: Final = "/ucp"
PROFILE_PATH: Final = "/.well-known/ucp"
SHOPPING_SERVICE: Final = "dev.ucp.shopping"
Transport = Literal["mcp", "rest"]
TRANSPORT_SCHEMAS: Final[Mapping[Transport, str]] = {"mcp": "mcp.openrpc.json", "rest": "rest.openapi.json"}
"""Descriptions of the service's transports, by their file."""


class UcpRelease(Struct, frozen=True, kw_only=True):
    """A release that is served, under addresses of its own: the path, never the body, tells which one is spoken."""

    id: str
    mount: str
    """Base of the REST transport; MCP is at `/mcp` below it."""
    profile_path: str
    spec_pages: Mapping[str, str]
    """Page of the specification by capability."""
    has_policies: bool = True
    """Whether answers tell the terms that hold for what is in them."""

    def specification(self, page: str) -> str:
        """URL of a page of this release."""
        return f"{SPECIFICATION}/{self.id}/specification/{page}"

    def schema(self, file: str) -> str:
        """URL of a schema of this release."""
        return f"{SPECIFICATION}/{self.id}/schemas/shopping/{file}"

    def service_schema(self, file: str) -> str:
        """URL of the description of a transport."""
        return f"{SPECIFICATION}/{self.id}/services/shopping/{file}"

    def endpoint(self, store: Store, transport: Transport) -> str:
        """URL at which a store serves a transport of this release."""
        return store.url(f"{self.mount}/mcp" if transport == "mcp" else self.mount)


class UcpCapability(Struct, frozen=True, kw_only=True):
    """A capability, and what of the store it is made of."""

    name: str
    schema: str
    tools: tuple[str, ...]
    """It exists while all of these are open."""
    extends: tuple[str, ...] = ()
    """Capabilities of which one has to exist, too."""


SEARCH: Final = "dev.ucp.shopping.catalog.search"
LOOKUP: Final = "dev.ucp.shopping.catalog.lookup"
CART: Final = "dev.ucp.shopping.cart"
CHECKOUT: Final = "dev.ucp.shopping.checkout"
FULFILLMENT: Final = "dev.ucp.shopping.fulfillment"
DISCOUNT: Final = "dev.ucp.shopping.discount"
PERMALINK: Final = "dev.ucp.shopping.permalink"
PERMALINK_MOUNT: Final = f"{UCP_MOUNT}/permalink"
CART_TOOLS: Final = ("create_cart", "view_cart", "add_to_cart", "update_cart_item", "remove_from_cart")
CHECKOUT_TOOLS: Final = ("get_shipping_methods", "place_order", "get_order_status", "cancel_checkout")

CAPABILITIES: Final = (
    UcpCapability(name=SEARCH, schema="catalog_search.json", tools=("search_products",)),
    UcpCapability(name=LOOKUP, schema="catalog_lookup.json", tools=("get_product",)),
    UcpCapability(name=CART, schema="cart.json", tools=CART_TOOLS),
    UcpCapability(name=CHECKOUT, schema="checkout.json", tools=(*CART_TOOLS, *CHECKOUT_TOOLS)),
    UcpCapability(name=FULFILLMENT, schema="fulfillment.json", tools=("get_shipping_methods",), extends=(CHECKOUT,)),
    UcpCapability(
        name=DISCOUNT, schema="discount.json", tools=("apply_coupon", "remove_coupon"), extends=(CHECKOUT, CART)
    ),
)
CAPABILITIES_BY_NAME: Final = {capability.name: capability for capability in CAPABILITIES}
LATEST_RELEASE: Final = UcpRelease(
    id="2026-08-25",
    mount=UCP_MOUNT,
    profile_path=PROFILE_PATH,
    spec_pages={
        SEARCH: "shopping/catalog/search",
        LOOKUP: "shopping/catalog/lookup",
        CART: "shopping/cart",
        CHECKOUT: "shopping/checkout",
        FULFILLMENT: "shopping/extensions/fulfillment",
        DISCOUNT: "shopping/extensions/discount",
        PERMALINK: "permalink",
    },
)
PREVIOUS_RELEASE: Final = UcpRelease(
    id="2026-04-08",
    mount=f"{UCP_MOUNT}/2026-04-08",
    profile_path=f"{PROFILE_PATH}/2026-04-08",
    has_policies=False,
    spec_pages={
        SEARCH: "catalog/search",
        LOOKUP: "catalog/lookup",
        CART: "cart",
        CHECKOUT: "checkout",
        FULFILLMENT: "fulfillment",
        DISCOUNT: "discount",
    },
)
RELEASES: Final = (LATEST_RELEASE, PREVIOUS_RELEASE)


def open_capabilities(roadmap: Roadmap) -> Mapping[str, UcpCapability]:
    """The capabilities that the open tools make up, by name, extensions with those that they extend."""
    return _capabilities_of(tuple(roadmap.open_items))


@functools.lru_cache(maxsize=256)
def _capabilities_of(tools: tuple[str, ...]) -> Mapping[str, UcpCapability]:
    found: dict[str, UcpCapability] = {}
    for capability in CAPABILITIES:
        whole = all(tool in tools for tool in capability.tools)
        if whole and (not capability.extends or any(name in found for name in capability.extends)):
            found[capability.name] = capability
    return found


def permalink_endpoint(release: UcpRelease, store: Store, roadmap: Roadmap) -> str | None:
    """The URL that permalinks begin with; None where the release has none, or none can be followed to an order.

    It has to be HTTPS (permalink, business configuration).
    """
    whole = all(tool in roadmap.open_items for tool in (*CART_TOOLS, *CHECKOUT_TOOLS))
    if not whole or PERMALINK not in release.spec_pages or not store.origin.startswith("https:"):
        return None
    return store.url(PERMALINK_MOUNT)
