"""Wires what UCP knows of platforms: their profiles, what they sign, and what is signed for them."""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from storefront_mcp.commerce.origins import is_loopback
from storefront_mcp.commerce.store import Store
from storefront_mcp.settings.agent_protocols import UcpSettings
from storefront_mcp.ucp.platforms import PlatformDirectory, UnfetchedPlatforms

if TYPE_CHECKING:
    from storefront_mcp.message_signatures.signing import AnswerSigner
    from storefront_mcp.ucp.platform_profiles import ProfileCache


class PlatformWiring:
    """Platforms of all stores of one worker, which share profiles and the budget of fetches."""

    def __init__(self, *, now: Callable[[], dt.datetime]) -> None:
        self._now = now
        self._profiles: ProfileCache | None = None

    def directory(self, settings: UcpSettings, store: Store) -> PlatformDirectory:
        """The platforms of a store."""
        if not settings.fetch_profiles:
            return UnfetchedPlatforms()
        # The libraries of signatures are slow to import.
        from storefront_mcp.ucp.platform_profiles import KnownPlatform, PlatformProfiles  # noqa: PLC0415
        from storefront_mcp.ucp.profiled_platforms import ProfiledPlatforms  # noqa: PLC0415
        from storefront_mcp.ucp.trust import PlatformTrust  # noqa: PLC0415

        known = {url: KnownPlatform(profile=url) for url in settings.platforms}
        profiles = PlatformProfiles(self._cache(), known=known, loopback=is_loopback(store.origin))
        return ProfiledPlatforms(profiles, PlatformTrust(profiles, origin=store.origin, now=self._now))

    def signer(self, settings: UcpSettings) -> "AnswerSigner | None":
        """What signs a store's answers; None without a key."""
        if settings.signing_key is None:
            return None
        from storefront_mcp.message_signatures.keys import read_signing_key  # noqa: PLC0415
        from storefront_mcp.message_signatures.signing import AnswerSigner  # noqa: PLC0415

        return AnswerSigner(read_signing_key(settings.signing_key.reveal()), now=self._now)

    async def close(self) -> None:
        """End what is being fetched."""
        if self._profiles is not None:
            await self._profiles.close()

    def _cache(self) -> "ProfileCache":
        if self._profiles is None:
            from storefront_mcp.public_http.document_fetcher import DocumentFetcher  # noqa: PLC0415
            from storefront_mcp.ucp.platform_profiles import ProfileCache  # noqa: PLC0415
            from storefront_mcp.ucp.profiles import MAX_PROFILE_BYTES  # noqa: PLC0415

            # Which stores take platforms on this machine, their directories know.
            self._profiles = ProfileCache(DocumentFetcher(max_bytes=MAX_PROFILE_BYTES, loopback=True))
        return self._profiles
