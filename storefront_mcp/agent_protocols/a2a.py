"""Agent2Agent here: versions, addresses, and the tools that each skill of the store's agent is made of."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

A2A_MOUNT: Final = "/a2a"
REST_PATH: Final = "/rest"
"""HTTP+JSON, below the mount."""
CARD_PATH: Final = "/.well-known/agent-card.json"
NEWEST, OLDER = "1.0", "0.3"
VERSIONS: Final = (NEWEST, OLDER)
"""Newest first."""
MODES: Final = ("text/plain", "application/json")
"""Media types that the agent takes and gives."""


class SkillDefinition(Struct, frozen=True, kw_only=True):
    """A skill, and the tools that it is made of."""

    id: str
    name: str
    description: str
    tags: tuple[str, ...]
    tools: tuple[str, ...]
    """It exists while all of these are open."""
    examples: tuple[str, ...]


ORDER_EXAMPLE: Final = (
    '{"action": "place_order", "email": "<e-mail>", "shipping_method": "<code>", "shipping_address": {"first_name": "…"'
    ', "last_name": "…", "street": "…", "city": "…", "postcode": "…", "country": "…"}}'
)
SKILLS: Final = (
    SkillDefinition(
        id="search",
        name="Search products",
        description="Finds products by words, category, price and facets.",
        tags=("shopping", "catalog"),
        tools=("search_products",),
        examples=("search <words>", '{"action": "search_products", "query": "gift", "max_price_minor": 5000}'),
    ),
    SkillDefinition(
        id="product",
        name="Show a product",
        description="Tells price, stock, variants and options of a product.",
        tags=("shopping", "catalog"),
        tools=("get_product",),
        examples=("show <SKU>", '{"action": "get_product", "sku": "<SKU>"}'),
    ),
    SkillDefinition(
        id="cart",
        name="Fill a cart",
        description="Keeps a cart in the conversation, and quotes what sending it costs.",
        tags=("shopping", "cart"),
        tools=("create_cart", "add_to_cart", "view_cart"),
        examples=("add <SKU> x 2", "cart", "shipping to <country> <postcode>", "remove <SKU>"),
    ),
    SkillDefinition(
        id="checkout",
        name="Check out",
        description="Prepares an order, which the buyer pays for on a page of the shop; the task waits for that.",
        tags=("shopping", "checkout"),
        tools=("place_order", "cancel_checkout"),
        examples=(ORDER_EXAMPLE, "cancel"),
    ),
    SkillDefinition(
        id="order-status",
        name="Tell where an order stands",
        description="Tells whether it is paid and made, its number, and what was sent.",
        tags=("shopping", "order"),
        tools=("get_order_status",),
        examples=("status", "status <checkout_id>"),
    ),
)
"""Skills of the agent, in the order of a purchase."""


class AgentInterface(Struct, frozen=True, kw_only=True, rename="camel"):
    """One way to reach the agent (A2A 1.0, `AgentInterface`)."""

    url: str
    protocol_binding: str
    protocol_version: str


def agent_interfaces(store: Store) -> tuple[AgentInterface, ...]:
    """Every way to reach the agent of a store, the one to prefer first."""
    rpc, http = store.url(A2A_MOUNT), store.url(f"{A2A_MOUNT}{REST_PATH}")
    return (
        AgentInterface(url=rpc, protocol_binding="JSONRPC", protocol_version=NEWEST),
        AgentInterface(url=http, protocol_binding="HTTP+JSON", protocol_version=NEWEST),
        AgentInterface(url=rpc, protocol_binding="JSONRPC", protocol_version=OLDER),
    )


def open_skills(roadmap: Roadmap) -> Sequence[SkillDefinition]:
    """The skills whose tools are open."""
    return [skill for skill in SKILLS if all(tool in roadmap.open_items for tool in skill.tools)]


def promised_skills(roadmap: Roadmap) -> Sequence[SkillDefinition]:
    """The skills whose tools are promised, open or not."""
    promised: Mapping[str, object] = {promise.name: promise for _, promise in roadmap.promises()}
    return [skill for skill in SKILLS if all(tool in promised for tool in skill.tools)]
