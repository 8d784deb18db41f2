"""The Agentic Commerce Protocol here: its version, its addresses, and the tools that each service is made of."""

from collections.abc import Mapping
from typing import Final

from storefront_mcp.roadmap.roadmap import Roadmap

ACP_VERSION: Final = "2026-04-17"
"""The one that answers are written in."""
SUPPORTED_ACP_VERSIONS: Final = (ACP_VERSION,)
"""That requests may name."""
ACP_SCHEMA_URL: Final = (
    "https://raw.githubusercontent.com/agentic-commerce-protocol/agentic-commerce-protocol/main/"
    f"spec/{ACP_VERSION}/json-schema/schema.agentic_checkout.json"
)
CARD_HANDLER_VERSION: Final = "2026-01-22"
"""Of the payment handler `dev.acp.tokenized.card`."""
ACP_MOUNT: Final = "/acp"
ACP_DISCOVERY_PATH: Final = "/.well-known/acp.json"
CART_TOOLS: Final = frozenset({"create_cart", "view_cart", "add_to_cart", "update_cart_item", "remove_from_cart"})
SERVICE_TOOLS: Final[Mapping[str, frozenset[str]]] = {
    "checkout": CART_TOOLS | {"get_shipping_methods", "place_order", "get_order_status", "cancel_checkout"},
    "carts": CART_TOOLS,
}
"""A service exists while all of these are open."""


def open_services(roadmap: Roadmap) -> tuple[str, ...]:
    """The services that the open tools make up."""
    return tuple(name for name, tools in SERVICE_TOOLS.items() if all(tool in roadmap.open_items for tool in tools))
