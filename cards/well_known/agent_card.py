"""`/.well-known/agent-card.json`: the store's agent for other agents (Agent2Agent 1.0, and 0.3 beside it).

Its skills are those that are open; while none is, those that are promised, and the description says so. The members of
the older version stand beside those of the newer one, whose readers do not look at them.
"""

from typing import Any, Final

from msgspec import Struct

from storefront_mcp.agent_protocols.a2a import (
    A2A_MOUNT,
    CARD_PATH,
    MODES,
    OLDER,
    AgentInterface,
    agent_interfaces,
    open_skills,
    promised_skills,
)
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.phrases import server_version
from storefront_mcp.cards.rules.json_rules import (
    LINK,
    OUR_LINK,
    STATUS,
    TEXT,
    MemberRule,
    ValueConstraint,
    equals,
    equals_known,
    json_validator,
    matches_pattern,
)
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, PageEntry
from storefront_mcp.roadmap.roadmap import Condition, Roadmap

NO_MODEL: Final = (
    "It has no language model: it understands structured data with an action, and the fixed phrases in its examples; "
    "no free conversation."
)


class AgentProvider(Struct, frozen=True):
    """Who is behind the agent."""

    organization: str
    url: str


class AgentCapabilities(Struct, frozen=True, kw_only=True, rename="camel"):
    """What of the protocol's options is kept."""

    streaming: bool = False
    push_notifications: bool = False


class AgentSkill(Struct, frozen=True, kw_only=True):
    """One thing that the agent can do."""

    id: str
    name: str
    description: str
    tags: tuple[str, ...]
    examples: tuple[str, ...]


class OlderInterface(Struct, frozen=True):
    """A way to reach the agent, as 0.3 has it."""

    url: str
    transport: str


class AgentCard(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The document (A2A 1.0 §4.4.1, 0.3 §5.5)."""

    name: str
    description: str
    version: str
    status: Condition
    """Ours: whether the agent answers now."""
    provider: AgentProvider
    documentation_url: str | None = None
    icon_url: str | None = None
    supported_interfaces: tuple[AgentInterface, ...]
    capabilities: AgentCapabilities
    default_input_modes: tuple[str, ...]
    default_output_modes: tuple[str, ...]
    skills: tuple[AgentSkill, ...]
    protocol_version: str
    """This and what follows: of 0.3."""
    url: str
    preferred_transport: str
    additional_interfaces: tuple[OlderInterface, ...]


def _serves(store: Store) -> bool:
    return "a2a" in store.protocols


def _render(store: Store, roadmap: Roadmap) -> bytes | None:
    if not _serves(store):
        return None
    skills = open_skills(roadmap) or promised_skills(roadmap)
    return pretty_json(
        AgentCard(
            name=store.name,
            description=_description(store, roadmap),
            version=server_version(store, roadmap),
            status=roadmap.condition,
            provider=AgentProvider(store.legal_name or store.name, store.website_url),
            documentation_url=store.documentation,
            icon_url=store.icon,
            supported_interfaces=agent_interfaces(store),
            capabilities=AgentCapabilities(),
            default_input_modes=MODES,
            default_output_modes=MODES,
            skills=tuple(
                AgentSkill(
                    id=skill.id,
                    name=skill.name,
                    description=skill.description,
                    tags=skill.tags,
                    examples=skill.examples,
                )
                for skill in skills
            ),
            protocol_version=f"{OLDER}.0",
            url=store.url(A2A_MOUNT),
            preferred_transport="JSONRPC",
            additional_interfaces=(OlderInterface(store.url(A2A_MOUNT), "JSONRPC"),),
        )
    )


def _description(store: Store, roadmap: Roadmap) -> str:
    said = [f"The shop agent of {store.name}."]
    if roadmap.condition == "planned":
        said.append("Not open yet; its skills are promised.")
    elif roadmap.pause is not None:
        said.append(roadmap.pause.sentences)
    return " ".join([*said, NO_MODEL])


def _names_skills(value: Any, _store: Store, roadmap: Roadmap) -> bool:  # noqa: ANN401 -- JSON
    found = [one.get("id") if isinstance(one, dict) else None for one in value] if isinstance(value, list) else None
    return found == [skill.id for skill in open_skills(roadmap) or promised_skills(roadmap)]


AGENT_CARD: Final = Card(
    name="agent-card",
    paths=(CARD_PATH,),
    media_type=JSON_TYPE,
    served_by=_serves,
    page_entry=PageEntry("Agent card", "the store's own agent for other agents (A2A)"),
    render=_render,
    validate=json_validator(
        MemberRule("name", TEXT, "store.name"),
        MemberRule("description", TEXT),
        MemberRule("version", TEXT, "store.version"),
        MemberRule("status", STATUS),
        MemberRule("provider.organization", TEXT, "store.legal_name"),
        MemberRule("provider.url", LINK, "store.website"),
        MemberRule("documentationUrl", LINK, "store.documentation", optional=True),
        MemberRule("iconUrl", LINK, "store.icon", optional=True),
        MemberRule("supportedInterfaces[].url", OUR_LINK),
        MemberRule("supportedInterfaces[].protocolBinding", matches_pattern("JSONRPC|HTTP.JSON", "a binding of ours")),
        MemberRule("supportedInterfaces[].protocolVersion", matches_pattern("1[.]0|0[.]3", "a version of ours")),
        MemberRule("capabilities.streaming", equals(value=False)),
        MemberRule("capabilities.pushNotifications", equals(value=False)),
        MemberRule("defaultInputModes", equals(list(MODES))),
        MemberRule("defaultOutputModes", equals(list(MODES))),
        MemberRule("skills", ValueConstraint("the skills that are open, or promised", _names_skills)),
        MemberRule("skills[].description", TEXT),
        MemberRule("protocolVersion", equals(f"{OLDER}.0")),
        MemberRule("url", equals_known(lambda store, _: store.url(A2A_MOUNT), "the address of the agent")),
        MemberRule("preferredTransport", equals("JSONRPC")),
    ),
)
