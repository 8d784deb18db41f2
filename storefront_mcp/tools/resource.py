"""MCP resources and resource templates, and the `@resource` decorator."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from storefront_mcp.commerce.shop import Shop
from storefront_mcp.commerce.store import Store

Complete = Callable[[str, Shop], Awaitable[Sequence[str]]]
"""Completions of what was typed so far."""

VARIABLE: Final = re.compile(r"\{(\w+)\}")


class KnownAddress(Struct, frozen=True):
    """One URI of a template that is listed."""

    uri: str
    name: str
    title: str
    description: str = ""


class Resource(Struct, frozen=True, kw_only=True):
    """A delivered resource, or a template when its URI has `{variables}`."""

    name: str
    title: str
    description: str
    uri: str
    """A URI, or an RFC 6570 level 1 template."""
    media_type: str
    read: Callable[[Mapping[str, str], Shop], Awaitable[str | bytes]]
    known: Callable[[Store], Sequence[KnownAddress]] | None = None
    """URIs of a template that are listed as resources."""
    complete: Mapping[str, Complete] = {}

    @property
    def is_template(self) -> bool:
        """Whether its URI has variables."""
        return "{" in self.uri

    def match(self, uri: str) -> Mapping[str, str] | None:
        """The variables of a URI that matches; None when it does not."""
        pattern = "".join(
            f"(?P<{part}>[^/?#]+)" if index % 2 else re.escape(part)
            for index, part in enumerate(VARIABLE.split(self.uri))
        )
        found = re.fullmatch(pattern, uri)
        return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


def resource(
    uri: str,
    *,
    media_type: str = "text/markdown",
    known: Callable[[Store], Sequence[KnownAddress]] | None = None,
    complete: Mapping[str, Complete] | None = None,
) -> Callable[[Callable[[Mapping[str, str], Shop], Awaitable[str | bytes]]], Resource]:
    """Make a resource of `async def name(variables: Mapping[str, str], shop: Shop) -> str`."""

    def made(read: Callable[[Mapping[str, str], Shop], Awaitable[str | bytes]]) -> Resource:
        name = read.__name__
        description = inspect.getdoc(read)
        if not description:
            message = f"resource {name} has no docstring: the model would not know what it holds"
            raise TypeError(message)
        return Resource(
            name=name,
            title=name.replace("_", " ").capitalize(),
            description=description,
            uri=uri,
            media_type=media_type,
            read=read,
            known=known,
            complete=complete or {},
        )

    return made
