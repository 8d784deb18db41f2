"""`ProfiledPlatforms`: who asks, and what was agreed with it, by the profile that it publishes."""

from collections.abc import Mapping
from typing import Final

from storefront_mcp.agent_protocols.ucp import RELEASES, UcpRelease, open_capabilities
from storefront_mcp.calls.agent_protocol import ProtocolRequest
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.ucp.failures import UcpFailure, UcpOutcome, UcpRefusal
from storefront_mcp.ucp.negotiation import OfferedCapability, negotiate
from storefront_mcp.ucp.platform_errors import PlatformRefused
from storefront_mcp.ucp.platform_profiles import PlatformProfiles
from storefront_mcp.ucp.platforms import RequestingPlatform
from storefront_mcp.ucp.trust import PlatformRequest, PlatformTrust

SUPPORTED_RELEASES: Final = frozenset(release.id for release in RELEASES)


class ProfiledPlatforms:
    """Implements `platforms.PlatformDirectory` for one store."""

    def __init__(self, profiles: PlatformProfiles, trust: PlatformTrust) -> None:
        self._profiles = profiles
        self._trust = trust

    async def identify(
        self, url: str, request: ProtocolRequest, release: UcpRelease
    ) -> tuple[RequestingPlatform, RequestOrigin]:
        """The platform, and where its request counts as coming from. Raises UcpRefusal."""
        origin = request.runner.origin
        sent = PlatformRequest(
            method=request.method, target=request.target.decode("latin-1"), headers=origin.headers, body=request.body
        )
        try:
            profile = await self._profiles.platform(url, address=origin.address)
            origin = await self._trust.verified_origin(sent, profile, origin)
            offered = offered_capabilities(release, request.runner.roadmap)
            # While nothing is open, there is nothing to agree on, and the operation says why.
            agreed = negotiate(profile, release.id, offered, supported=SUPPORTED_RELEASES) if offered else None
        except PlatformRefused as refused:
            raise refusal_of_platform(refused) from None
        known = None if agreed is None else {name: (version,) for name, version in agreed.capabilities.items()}
        return RequestingPlatform(profile=profile.profile, version=profile.version, capabilities=known), origin


def offered_capabilities(release: UcpRelease, roadmap: Roadmap) -> Mapping[str, OfferedCapability]:
    """What a release offers while these tools are open."""
    return {
        name: OfferedCapability((release.id,), capability.extends)
        for name, capability in open_capabilities(roadmap).items()
    }


def refusal_of_platform(refused: PlatformRefused) -> UcpRefusal:
    """A platform's refusal as the transports tell it."""
    status = refused.failure
    if status.rpc_code is None:
        return UcpOutcome(refused.code, refused.content)
    return UcpFailure(status.status, status.rpc_code, refused.code, refused.content, retry_after=refused.retry_after)
