"""`/mcp/resources`: what can be read and which prompts can be used, as the protocol lists them, and what will be."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct

from cards.beside.promises import Promised, promised
from cards.form import STATUS, TEXT, Member, form, matching, named
from cards.wording import status
from cards.writing import JSON, pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.prompt import Prompt
from storefront_mcp.roadmap.resource import Resource
from storefront_mcp.roadmap.roadmap import Roadmap


class Readable(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One address that can be read (MCP `Resource`)."""

    uri: str
    name: str
    title: str | None = None
    description: str
    mime_type: str


class Template(Struct, frozen=True, kw_only=True, rename="camel"):
    """A family of addresses (MCP `ResourceTemplate`, RFC 6570)."""

    uri_template: str
    name: str
    title: str
    description: str
    mime_type: str


class Blank(Struct, frozen=True, kw_only=True):
    """One argument of a prompt (MCP `PromptArgument`)."""

    name: str
    description: str
    required: bool


class Usable(Struct, frozen=True, kw_only=True):
    """A prompt (MCP `Prompt`)."""

    name: str
    title: str
    description: str
    arguments: tuple[Blank, ...]


class Announced(Struct, frozen=True, kw_only=True):
    """What cannot be used yet."""

    resources: tuple[Promised, ...]
    prompts: tuple[Promised, ...]


class Resources(Struct, frozen=True, kw_only=True, rename="camel"):
    """The document."""

    status: Literal["planned", "active"]
    resources: tuple[Readable, ...]
    resource_templates: tuple[Template, ...]
    prompts: tuple[Usable, ...]
    promised: Announced


def _render(store: Store, roadmap: Roadmap) -> bytes:
    opened = roadmap.open_resources()
    return pretty(
        Resources(
            status=status(roadmap),
            resources=(*_single(opened), *_members(opened, store)),
            resource_templates=tuple(_template(resource) for resource in opened if resource.is_template),
            prompts=tuple(map(_usable, roadmap.open_prompts())),
            promised=Announced(
                resources=promised(roadmap, lambda manifest: manifest.resources, lambda phase: phase.resources),
                prompts=promised(roadmap, lambda manifest: manifest.prompts, lambda phase: phase.prompts),
            ),
        )
    )


def _single(opened: Sequence[Resource]) -> Iterable[Readable]:
    return (
        Readable(
            uri=resource.uri,
            name=resource.name,
            title=resource.title,
            description=resource.description,
            mime_type=resource.media_type,
        )
        for resource in opened
        if not resource.is_template
    )


def _members(opened: Sequence[Resource], store: Store) -> Iterable[Readable]:
    """Of families, those members that are worth listing by themselves."""
    return (
        Readable(
            uri=known.uri,
            name=known.name,
            description=known.description or resource.description,
            mime_type=resource.media_type,
        )
        for resource in opened
        if resource.known is not None
        for known in resource.known(store)
    )


def _template(resource: Resource) -> Template:
    return Template(
        uri_template=resource.uri,
        name=resource.name,
        title=resource.title,
        description=resource.description,
        mime_type=resource.media_type,
    )


def _usable(prompt: Prompt) -> Usable:
    blanks = (
        Blank(name=blank.name, description=blank.description, required=blank.required) for blank in prompt.arguments
    )
    return Usable(name=prompt.name, title=prompt.title, description=prompt.description, arguments=tuple(blanks))


PROMPTS: Final = named(lambda _, roadmap: [one.name for one in roadmap.open_prompts()], "the prompts that are open")
MEDIA_TYPE: Final = matching(r"[a-z]+/[a-z0-9.+-]+(;.*)?", "a media type")
RESOURCES: Final = Card(
    name="mcp-resources",
    paths=("/mcp/resources",),
    media_type=JSON,
    render=_render,
    form=form(
        Member("status", STATUS),
        Member("resources[].uri", matching(r"[a-z]+:\S+", "an address"), optional=True),
        Member("resources[].description", TEXT, optional=True),
        Member("resources[].mimeType", MEDIA_TYPE, optional=True),
        Member("resourceTemplates[].uriTemplate", matching(r"[a-z]+:\S*\{\w+\}\S*", "a template"), optional=True),
        Member("prompts", PROMPTS),
    ),
)
