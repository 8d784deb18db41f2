"""What can be said ahead of time about one store under one roadmap, as bytes per version."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.scopes import visible_tools
from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.capabilities import capabilities
from storefront_mcp.mcp.instructions import instructions
from storefront_mcp.mcp.lists import prompt_entries, resource_entries, template_entries, tool_entries
from storefront_mcp.mcp.parameters import Repeated, repeated_in
from storefront_mcp.mcp.results import LIST_TTL_MS, dressed, pictured, server_names, signature
from storefront_mcp.mcp.versions import LEGACY, MODERN, ProtocolVersion
from storefront_mcp.roadmap.roadmap import Roadmap

ALL: Final = (*LEGACY.values(), *MODERN.values())
Bytes = Mapping[str, bytes]


class Contents(Struct, frozen=True):
    """The names of what is open: two of them differ where a client should be told of a change."""

    tools: tuple[str, ...]
    prompts: tuple[str, ...]
    resources: tuple[str, ...]

    def changes(self, after: "Contents") -> Sequence[str]:
        """Which lists are different now, in the words of `subscriptions/listen`."""
        return [f"{kind}ListChanged" for kind in self.__struct_fields__ if getattr(self, kind) != getattr(after, kind)]


class Catalogue:
    """Made once per flip; a list or a handshake then costs a look-up."""

    def __init__(self, store: Store, roadmap: Roadmap) -> None:
        self.store = store
        self.roadmap = roadmap
        tools, prompts, resources = roadmap.open_tools(), roadmap.open_prompts(), roadmap.open_resources()
        self.contents = Contents(
            tuple(tool.name for tool in tools),
            tuple(prompt.name for prompt in prompts),
            tuple(resource.uri for resource in resources),
        )
        self.repeated: Mapping[str, tuple[Repeated, ...]] = {
            tool.name: repeated for tool in tools if (repeated := repeated_in(tool.input_schema))
        }
        """Tools of which arguments stand in headers too."""
        self.talking: frozenset[str] = frozenset(tool.name for tool in tools if tool.talks)
        """Tools whose answer may become a stream."""
        self._tools = tools
        self._guarded = roadmap.requirements
        self._seen_by_others: dict[frozenset[str], Bytes] = {}
        self.lists: Mapping[str, Bytes] = {
            "tools/list": self._tools_seen(frozenset()),
            "prompts/list": self._per_version("prompts", lambda version: prompt_entries(prompts, version)),
            "resources/list": self._per_version(
                "resources", lambda version: resource_entries(resources, store, version)
            ),
            "resources/templates/list": self._per_version(
                "resourceTemplates", lambda version: template_entries(resources, version)
            ),
        }
        """The results of the list methods as guests see them, by method and version."""
        self.signed = signature(store)
        """What every answered call says of the server, encoded."""
        self._welcomes = {version.id: self._welcome(version) for version in LEGACY.values()}
        self._discoveries = {version.id: self._discovery(version) for version in MODERN.values()}

    def welcome(self, version: ProtocolVersion) -> bytes:
        """The result of initialize."""
        return self._welcomes[version.id]

    def discovery(self, version: ProtocolVersion) -> bytes:
        """The result of server/discover."""
        return self._discoveries[version.id]

    def tools_for(self, caller: Caller, version: ProtocolVersion) -> bytes:
        """The tools that a caller may call; callers who may call the same share a list."""
        if not self._guarded or not caller.scopes:
            return self.lists["tools/list"][version.id]
        visible = visible_tools(caller, self._guarded)
        if visible not in self._seen_by_others:
            self._seen_by_others[visible] = self._tools_seen(visible)
        return self._seen_by_others[visible][version.id]

    def _tools_seen(self, visible: frozenset[str]) -> Bytes:
        """The tools that are for everybody, and those of the guarded ones."""
        tools = [tool for tool in self._tools if tool.name not in self._guarded or tool.name in visible]
        return self._per_version("tools", lambda version: tool_entries(tools, version), private=bool(self._guarded))

    def _per_version(
        self, key: str, entries: Callable[[ProtocolVersion], Sequence[Any]], *, private: bool = False
    ) -> Bytes:
        return {
            version.id: dressed({key: entries(version)}, version, self.store, ttl_ms=LIST_TTL_MS, private=private)
            for version in ALL
        }

    def _welcome(self, version: ProtocolVersion) -> bytes:
        names = server_names(self.store)
        if not version.structures_results:
            names.pop("title")
        result = {
            "protocolVersion": version.id,
            "capabilities": capabilities(version),
            "serverInfo": pictured(names, self.store, version),
            "instructions": instructions(self.store, self.roadmap),
        }
        return dressed(result, version, self.store)

    def _discovery(self, version: ProtocolVersion) -> bytes:
        result = {
            "supportedVersions": list(MODERN),
            "capabilities": capabilities(version),
            "instructions": instructions(self.store, self.roadmap),
        }
        return dressed(result, version, self.store, ttl_ms=LIST_TTL_MS)
