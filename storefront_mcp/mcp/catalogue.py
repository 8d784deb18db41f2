"""What can be said ahead of time about one store under one roadmap, as bytes per version."""

from collections.abc import Mapping
from typing import Any

from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.instructions import instructions
from storefront_mcp.mcp.results import LIST_TTL_MS, dressed, server_names, tool_entries
from storefront_mcp.mcp.versions import LEGACY, MODERN, ProtocolVersion
from storefront_mcp.roadmap.roadmap import Roadmap


class Catalogue:
    """Made once per flip; a list or a handshake then costs a look-up."""

    def __init__(self, store: Store, roadmap: Roadmap) -> None:
        self.store = store
        self.roadmap = roadmap
        tools = roadmap.open_tools()
        both = [*LEGACY.values(), *MODERN.values()]
        self._tools = {
            version.id: dressed({"tools": tool_entries(tools, version)}, version, store, ttl_ms=LIST_TTL_MS)
            for version in both
        }
        self._welcomes = {version.id: self._welcome(version) for version in LEGACY.values()}
        self._discoveries = {version.id: self._discovery(version) for version in MODERN.values()}

    def tools(self, version: ProtocolVersion) -> bytes:
        """The result of tools/list."""
        return self._tools[version.id]

    def welcome(self, version: ProtocolVersion) -> bytes:
        """The result of initialize."""
        return self._welcomes[version.id]

    def discovery(self, version: ProtocolVersion) -> bytes:
        """The result of server/discover."""
        return self._discoveries[version.id]

    def _welcome(self, version: ProtocolVersion) -> bytes:
        names = server_names(self.store)
        if not version.structures_results:
            names.pop("title")
        result = {
            "protocolVersion": version.id,
            "capabilities": self._capabilities(),
            "serverInfo": names,
            "instructions": instructions(self.store, self.roadmap),
        }
        return dressed(result, version, self.store)

    def _discovery(self, version: ProtocolVersion) -> bytes:
        result = {
            "supportedVersions": list(MODERN),
            "capabilities": self._capabilities(),
            "instructions": instructions(self.store, self.roadmap),
        }
        return dressed(result, version, self.store, ttl_ms=LIST_TTL_MS)

    def _capabilities(self) -> Mapping[str, Any]:
        return self.store.speaker.capabilities
