"""`/mcp/resources`: open resources, resource templates and prompts as the protocol lists them, and upcoming ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from storefront_mcp.cards.endpoint.upcoming import UpcomingItem, upcoming_items
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.phrases import phase_status
from storefront_mcp.cards.rules.json_rules import (
    STATUS,
    TEXT,
    MemberRule,
    json_validator,
    matches_pattern,
    names_exactly,
)
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, InfoEntry
from storefront_mcp.roadmap.roadmap import Condition, Phase, Roadmap
from storefront_mcp.tools.prompt import Prompt
from storefront_mcp.tools.resource import Resource


class ResourceEntry(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A readable URI (MCP `Resource`)."""

    uri: str
    name: str
    title: str
    description: str
    mime_type: str


class ResourceTemplateEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """A URI template (MCP `ResourceTemplate`, RFC 6570)."""

    uri_template: str
    name: str
    title: str
    description: str
    mime_type: str


class PromptArgumentEntry(Struct, frozen=True, kw_only=True):
    """One argument of a prompt (MCP `PromptArgument`)."""

    name: str
    description: str
    required: bool


class PromptEntry(Struct, frozen=True, kw_only=True):
    """A prompt (MCP `Prompt`)."""

    name: str
    title: str
    description: str
    arguments: tuple[PromptArgumentEntry, ...]


class UpcomingEntries(Struct, frozen=True, kw_only=True):
    """Promised resources and prompts that are not open."""

    resources: tuple[UpcomingItem, ...]
    prompts: tuple[UpcomingItem, ...]


class ResourceList(Struct, frozen=True, kw_only=True, rename="camel"):
    """The document."""

    status: Condition
    resources: tuple[ResourceEntry, ...]
    resource_templates: tuple[ResourceTemplateEntry, ...]
    prompts: tuple[PromptEntry, ...]
    promised: UpcomingEntries


def _render(store: Store, roadmap: Roadmap) -> bytes:
    opened = roadmap.open_resources()
    return pretty_json(
        ResourceList(
            status=phase_status(roadmap),
            resources=(*_single(opened), *_members(opened, store)),
            resource_templates=tuple(_template(resource) for resource in opened if resource.is_template),
            prompts=tuple(map(_usable, roadmap.open_prompts())),
            promised=UpcomingEntries(
                resources=upcoming_items(roadmap, lambda manifest: manifest.resources, _open_resources),
                prompts=upcoming_items(roadmap, lambda manifest: manifest.prompts, _open_prompts),
            ),
        )
    )


def _open_resources(phase: Phase) -> Mapping[str, Resource]:
    return phase.resources if phase.open else {}


def _open_prompts(phase: Phase) -> Mapping[str, Prompt]:
    return phase.prompts if phase.open else {}


def _single(opened: Sequence[Resource]) -> Iterable[ResourceEntry]:
    return (
        ResourceEntry(
            uri=resource.uri,
            name=resource.name,
            title=resource.title,
            description=resource.description,
            mime_type=resource.media_type,
        )
        for resource in opened
        if not resource.is_template
    )


def _members(opened: Sequence[Resource], store: Store) -> Iterable[ResourceEntry]:
    """The listed resources; a template contributes the members that it lists itself."""
    return (
        ResourceEntry(
            uri=known.uri,
            name=known.name,
            title=known.title,
            description=known.description or resource.description,
            mime_type=resource.media_type,
        )
        for resource in opened
        if resource.known is not None
        for known in resource.known(store)
    )


def _template(resource: Resource) -> ResourceTemplateEntry:
    return ResourceTemplateEntry(
        uri_template=resource.uri,
        name=resource.name,
        title=resource.title,
        description=resource.description,
        mime_type=resource.media_type,
    )


def _usable(prompt: Prompt) -> PromptEntry:
    blanks = (
        PromptArgumentEntry(name=blank.name, description=blank.description, required=blank.required)
        for blank in prompt.arguments
    )
    return PromptEntry(name=prompt.name, title=prompt.title, description=prompt.description, arguments=tuple(blanks))


PROMPTS: Final = names_exactly(
    lambda _, roadmap: [one.name for one in roadmap.open_prompts()], "the prompts that are open"
)
MEDIA_TYPE: Final = matches_pattern(r"[a-z]+/[a-z0-9.+-]+(;.*)?", "a media type")
RESOURCES: Final = Card(
    name="mcp-resources",
    paths=("/mcp/resources",),
    media_type=JSON_TYPE,
    info_entry=InfoEntry("resources", "Resources, resource templates and prompts"),
    render=_render,
    validate=json_validator(
        MemberRule("status", STATUS),
        MemberRule("resources[].uri", matches_pattern(r"[a-z]+:\S+", "an address"), optional=True),
        MemberRule("resources[].description", TEXT, optional=True),
        MemberRule("resources[].mimeType", MEDIA_TYPE, optional=True),
        MemberRule(
            "resourceTemplates[].uriTemplate", matches_pattern(r"[a-z]+:\S*\{\w+\}\S*", "a template"), optional=True
        ),
        MemberRule("prompts", PROMPTS),
    ),
)
