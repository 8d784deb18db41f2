"""What a store and a platform have in common: one protocol version, and the capabilities that both know."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from storefront_mcp.ucp.platform_errors import PlatformRefused
from storefront_mcp.ucp.profiles import CapabilityEntry, PlatformProfile


class OfferedCapability(Struct, frozen=True):
    """A capability of the store under one protocol version."""

    versions: tuple[str, ...]
    extends: tuple[str, ...] = ()
    """Empty: it stands alone."""


class NegotiatedCapabilities(Struct, frozen=True):
    """What holds for one request."""

    version: str
    """Of the protocol."""
    capabilities: Mapping[str, str]
    """Name → version, of what both know."""

    def active(self, names: Collection[str]) -> dict[str, list[dict[str, str]]]:
        """The `ucp.capabilities` of an answer that is about these capabilities."""
        return {name: [{"version": version}] for name, version in self.capabilities.items() if name in names}


def negotiate(
    platform: PlatformProfile, version: str, offered: Mapping[str, OfferedCapability], *, supported: Collection[str]
) -> NegotiatedCapabilities:
    """Agree with a platform on what `version`, the endpoint's, offers. Raises PlatformRefused.

    `supported` are all versions that the store speaks. A platform that declares no capability at all is taken to know
    every one: what cannot be told apart is not refused.
    """
    if platform.version not in supported:
        raise PlatformRefused(
            "version_unsupported",
            f"Your profile says version {platform.version}. This store speaks {', '.join(sorted(supported))}: "
            "its profile at /.well-known/ucp has an endpoint for each.",
        )
    if not platform.capabilities:
        return NegotiatedCapabilities(version, {name: max(each.versions) for name, each in offered.items()})
    chosen = {
        name: found
        for name, each in offered.items()
        if (found := _newest(each.versions, platform.capabilities.get(name, ()))) is not None
    }
    agreed = {name: version for name, (version, _) in chosen.items()}
    _drop_orphans(agreed, offered)
    for name in list(agreed):
        if not _may_run(chosen[name][1], version, agreed):
            del agreed[name]
    _drop_orphans(agreed, offered)
    if not agreed:
        raise PlatformRefused(
            "capabilities_incompatible",
            "Your profile and this store have no capability in common. The store's are in its profile at "
            "/.well-known/ucp.",
        )
    return NegotiatedCapabilities(version, agreed)


def _newest(ours: Collection[str], theirs: Collection[CapabilityEntry]) -> tuple[str, CapabilityEntry] | None:
    """The newest version that both list, and the platform's word about it."""
    both = [(version, entry) for version in ours for entry in theirs if entry.version in {None, version}]
    return max(both, key=lambda pair: pair[0], default=None)


def _drop_orphans(agreed: dict[str, str], offered: Mapping[str, OfferedCapability]) -> None:
    """Take out extensions of nothing that is left, until nothing changes."""
    while orphans := [
        name for name in agreed if offered[name].extends and not any(one in agreed for one in offered[name].extends)
    ]:
        for name in orphans:
            del agreed[name]


def _may_run(entry: CapabilityEntry, version: str, agreed: Mapping[str, str]) -> bool:
    """Whether what an entry requires is what was agreed on."""
    return entry.protocol.holds(version) and all(
        name in agreed and bounds.holds(agreed[name]) for name, bounds in entry.capabilities.items()
    )
