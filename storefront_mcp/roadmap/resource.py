"""A resource: something to read, under an address of its own."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from storefront_mcp.commerce.shop import Shop
from storefront_mcp.commerce.store import Store

Complete = Callable[[str, Shop], Awaitable[Sequence[str]]]
"""Values that begin like, or fit, what was typed so far."""

VARIABLE: Final = re.compile(r"\{(\w+)\}")


class Known(Struct, frozen=True):
    """One address that fits a template and is worth listing."""

    uri: str
    name: str
    description: str = ""


class Resource(Struct, frozen=True, kw_only=True):
    """A delivered resource, or a family of them when its address has `{variables}`."""

    name: str
    title: str
    description: str
    uri: str
    """An address, or an RFC 6570 level 1 template."""
    media_type: str
    read: Callable[[Mapping[str, str], Shop], Awaitable[str | bytes]]
    known: Callable[[Store], Sequence[Known]] | None = None
    """Members of a family that are listed by themselves."""
    complete: Mapping[str, Complete] = {}

    @property
    def is_template(self) -> bool:
        """Whether it stands for many addresses."""
        return "{" in self.uri

    def match(self, uri: str) -> Mapping[str, str] | None:
        """The variables with which the address is ours; None when it is not."""
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
    known: Callable[[Store], Sequence[Known]] | None = None,
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
