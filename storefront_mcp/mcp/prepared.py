"""Responses of one store under one roadmap, encoded once per protocol version."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from msgspec import Struct

from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.access.scopes import visible_tools
from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.apps import OpenWidgets
from storefront_mcp.mcp.capabilities import capabilities
from storefront_mcp.mcp.header_arguments import HeaderArgument, header_arguments
from storefront_mcp.mcp.instructions import instructions
from storefront_mcp.mcp.lists import (
    prompt_entries,
    resource_entries,
    security_schemes,
    template_entries,
    tool_entries,
)
from storefront_mcp.mcp.results import (
    LIST_TTL_MS,
    SERVER_INFO_KEY,
    encode_meta,
    encode_result,
    server_names,
    with_links,
)
from storefront_mcp.mcp.versions import HANDSHAKE_VERSIONS, MODERN_VERSIONS, ProtocolVersion
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.widget import APPS_EXTENSION, Widget

ALL_VERSIONS: Final = (*HANDSHAKE_VERSIONS.values(), *MODERN_VERSIONS.values())
Bytes = Mapping[str, bytes]


class ListedNames(Struct, frozen=True):
    """Names of the open tools, prompts and resources; their differences are list changes."""

    tools: tuple[str, ...]
    prompts: tuple[str, ...]
    resources: tuple[str, ...]

    def changes(self, after: "ListedNames") -> Sequence[str]:
        """Kinds of lists that differ, as `subscriptions/listen` names them."""
        return [f"{kind}ListChanged" for kind in self.__struct_fields__ if getattr(self, kind) != getattr(after, kind)]


class PreparedResponses:
    """Results of list methods, `initialize` and `server/discover`; made anew after each flip."""

    def __init__(
        self, store: Store, roadmap: Roadmap, widgets: Sequence[Widget] = (), *, shows_widgets: bool = False
    ) -> None:
        """With `shows_widgets` for the clients that do; all others are answered as if there were none."""
        self.store = store
        self.roadmap = roadmap
        self.widgets = widgets
        self.open_widgets = OpenWidgets(store, roadmap, widgets)
        self._shown = self.open_widgets if shows_widgets and self.open_widgets else None
        self.answers = roadmap.answers
        """Whether anything is open for those whom it is for."""
        tools, prompts, resources = roadmap.open_tools(), roadmap.open_prompts(), roadmap.open_resources()
        self.contents = ListedNames(
            tuple(tool.name for tool in tools),
            tuple(prompt.name for prompt in prompts),
            (
                *(resource.uri for resource in resources),
                *(() if self._shown is None else self._shown.addresses.values()),
            ),
        )
        self.header_arguments: Mapping[str, tuple[HeaderArgument, ...]] = {
            tool.name: marked for tool in tools if (marked := header_arguments(tool.input_schema))
        }
        """By tool: arguments that are repeated in headers."""
        self.context_tools: frozenset[str] = frozenset(tool.name for tool in tools if tool.wants_context)
        """Tools that take a ToolContext; their answer may be a stream."""
        self._tools = tools
        self._guarded = roadmap.requirements
        self._tools_by_scopes: dict[frozenset[str], Bytes] = {}
        self.lists: Mapping[str, Bytes] = {
            "tools/list": self._visible_tools(visible_tools(GUEST, self._guarded)),
            "prompts/list": self._per_version("prompts", lambda version: prompt_entries(prompts, version)),
            "resources/list": self._per_version(
                "resources", lambda version: resource_entries(resources, store, version, self._shown)
            ),
            "resources/templates/list": self._per_version(
                "resourceTemplates", lambda version: template_entries(resources, version)
            ),
        }
        """Results of the list methods for guests, by method and version."""
        self.meta = encode_meta(store)
        """The `_meta` of every result, encoded."""
        self._initialize_results = {
            version.id: self._initialize_result(version) for version in HANDSHAKE_VERSIONS.values()
        }
        self._discoveries = {version.id: self._discovery(version) for version in MODERN_VERSIONS.values()}

    @cached_property
    def with_widgets(self) -> "PreparedResponses":
        """The responses for clients that show widgets; these, where the store has none now."""
        if not self.open_widgets:
            return self
        return PreparedResponses(self.store, self.roadmap, self.widgets, shows_widgets=True)

    def initialize_result(self, version: ProtocolVersion) -> bytes:
        """The result of initialize."""
        return self._initialize_results[version.id]

    def discovery(self, version: ProtocolVersion) -> bytes:
        """The result of server/discover."""
        return self._discoveries[version.id]

    def tools_for(self, caller: Caller, version: ProtocolVersion) -> bytes:
        """`tools/list` for a caller; callers with the same visible tools share the bytes."""
        if not self._guarded or caller.kind == "guest":
            return self.lists["tools/list"][version.id]
        visible = visible_tools(caller, self._guarded)
        if visible not in self._tools_by_scopes:
            self._tools_by_scopes[visible] = self._visible_tools(visible)
        return self._tools_by_scopes[visible][version.id]

    def _visible_tools(self, visible: frozenset[str]) -> Bytes:
        """`tools/list` of the public tools and of the scoped ones in `visible`."""
        tools = [tool for tool in self._tools if tool.name not in self._guarded or tool.name in visible]
        schemes = security_schemes(self.roadmap)
        # What one client declared is not to be kept for another one.
        private = bool(self._guarded) or self._shown is not None
        return self._per_version(
            "tools", lambda version: tool_entries(tools, version, schemes, self._shown), private=private
        )

    def _per_version(
        self, key: str, entries: Callable[[ProtocolVersion], Sequence[Any]], *, private: bool = False
    ) -> Bytes:
        return {
            version.id: encode_result({key: entries(version)}, version, self.store, ttl_ms=LIST_TTL_MS, private=private)
            for version in ALL_VERSIONS
        }

    def _initialize_result(self, version: ProtocolVersion) -> bytes:
        names = server_names(self.store)
        if not version.structured_content:
            names.pop("title")
        result = {
            "protocolVersion": version.id,
            "capabilities": self._capabilities(version),
            "serverInfo": with_links(names, self.store, version),
            "instructions": instructions(self.store, self.roadmap),
        }
        return encode_result(result, version, self.store)

    def _discovery(self, version: ProtocolVersion) -> bytes:
        result = {
            "supportedVersions": list(MODERN_VERSIONS),
            "capabilities": self._capabilities(version),
            "instructions": instructions(self.store, self.roadmap),
            "_meta": {SERVER_INFO_KEY: with_links(server_names(self.store), self.store, version)},
        }
        return encode_result(result, version, self.store, ttl_ms=LIST_TTL_MS, private=self._shown is not None)

    def _capabilities(self, version: ProtocolVersion) -> dict[str, Any]:
        shown = self._shown is not None and version.item_meta
        return capabilities(version) | ({"extensions": {APPS_EXTENSION: {}}} if shown else {})
