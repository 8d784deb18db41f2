"""`UcpRequest`: one operation that a platform asks for, whatever the transport and the release."""

from msgspec import Raw, Struct

from storefront_mcp.agent_protocols.ucp import UcpRelease
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.ucp.envelopes import answer_metadata
from storefront_mcp.ucp.platforms import RequestingPlatform


class UcpRequest(Struct, frozen=True, kw_only=True):
    """Who asks, by which release, and for which object."""

    runner: ToolRunner
    release: UcpRelease
    platform: RequestingPlatform
    id: str = ""
    """Of the cart or checkout that it is about."""
    key: str = ""
    """The idempotency key; empty without one."""
    payload: bytes = b"{}"
    """The object that was sent, as JSON."""
    over_mcp: bool = False

    def metadata(self, *capabilities: str) -> Raw:
        """The `ucp` member of an answer that is about these capabilities."""
        return answer_metadata(self.release.id, self.runner.roadmap, capabilities, self.platform.capabilities)
