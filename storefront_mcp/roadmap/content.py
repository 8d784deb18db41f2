"""What a tool, a resource or a prompt may say besides plain values: blocks of text, pictures, sound and resources."""

import base64
from typing import Generic, Literal, TypeVar

from msgspec import Struct

V = TypeVar("V")
Audience = Literal["user", "assistant"]


class Text(Struct, frozen=True, tag_field="type", tag="text"):
    """A piece of text."""

    text: str


class Image(Struct, frozen=True, tag_field="type", tag="image", rename="camel"):
    """A picture; `data` is Base64."""

    data: str
    mime_type: str


class Audio(Struct, frozen=True, tag_field="type", tag="audio", rename="camel"):
    """A sound; `data` is Base64."""

    data: str
    mime_type: str


class ResourceText(Struct, frozen=True, rename="camel"):
    """What a text resource holds."""

    uri: str
    mime_type: str
    text: str


class ResourceBlob(Struct, frozen=True, rename="camel"):
    """What a binary resource holds; `blob` is Base64."""

    uri: str
    mime_type: str
    blob: str


class Embedded(Struct, frozen=True, tag_field="type", tag="resource"):
    """A resource, contents included."""

    resource: ResourceText | ResourceBlob


class Link(
    Struct, frozen=True, tag_field="type", tag="resource_link", omit_defaults=True, rename="camel", kw_only=True
):
    """A resource to be read when wanted."""

    uri: str
    name: str
    description: str | None = None
    mime_type: str | None = None


Block = Text | Image | Audio | Embedded | Link


class Content(Struct, frozen=True):
    """A tool's answer as blocks, for tools whose answer is not one value."""

    blocks: tuple[Block, ...]


class Linked(Struct, Generic[V], frozen=True):
    """A tool's value, and pages to open beside it; the value says all of it to those whose version knows no links."""

    value: V
    links: tuple[Link, ...]


class Spoken(Struct, frozen=True):
    """One message of a prompt."""

    role: Audience
    content: Block


def resource_contents(uri: str, media_type: str, body: str | bytes) -> ResourceText | ResourceBlob:
    """Text as text, anything else as Base64."""
    if isinstance(body, str):
        return ResourceText(uri, media_type, body)
    return ResourceBlob(uri, media_type, base64.b64encode(body).decode())
