"""Content blocks: text, images, audio and resources in the results of tools, resources and prompts."""

import base64
from typing import Generic, Literal, TypeVar

from msgspec import Struct

V = TypeVar("V")
Audience = Literal["user", "assistant"]


class TextBlock(Struct, frozen=True, tag_field="type", tag="text"):
    """A text block."""

    text: str


class ImageBlock(Struct, frozen=True, tag_field="type", tag="image", rename="camel"):
    """An image; `data` is Base64."""

    data: str
    mime_type: str


class AudioBlock(Struct, frozen=True, tag_field="type", tag="audio", rename="camel"):
    """Audio; `data` is Base64."""

    data: str
    mime_type: str


class ResourceText(Struct, frozen=True, rename="camel"):
    """Contents of a text resource."""

    uri: str
    mime_type: str
    text: str


class ResourceBlob(Struct, frozen=True, rename="camel"):
    """Contents of a binary resource; `blob` is Base64."""

    uri: str
    mime_type: str
    blob: str


class EmbeddedResource(Struct, frozen=True, tag_field="type", tag="resource"):
    """A resource with its contents."""

    resource: ResourceText | ResourceBlob


class ResourceLink(
    Struct, frozen=True, tag_field="type", tag="resource_link", omit_defaults=True, rename="camel", kw_only=True
):
    """A link to a resource."""

    uri: str
    name: str
    description: str | None = None
    mime_type: str | None = None


Block = TextBlock | ImageBlock | AudioBlock | EmbeddedResource | ResourceLink


class ContentBlocks(Struct, frozen=True):
    """A tool's result as content blocks, for tools whose result is not one value."""

    blocks: tuple[Block, ...]


class ValueWithLinks(Struct, Generic[V], frozen=True):
    """A tool's value with links to pages; the value holds the URLs too, for versions without resource links."""

    value: V
    links: tuple[ResourceLink, ...]


class PromptMessage(Struct, frozen=True):
    """One message of a prompt."""

    role: Audience
    content: Block


def resource_contents(uri: str, media_type: str, body: str | bytes) -> ResourceText | ResourceBlob:
    """The contents of a resource: text as text, bytes as Base64."""
    if isinstance(body, str):
        return ResourceText(uri, media_type, body)
    return ResourceBlob(uri, media_type, base64.b64encode(body).decode())
