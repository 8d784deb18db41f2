"""Profiles of platforms, read leniently: what they lack is not missed, what they say too much is ignored.

Published profiles of large platforms have capabilities without `spec` and `schema`, and no services.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from storefront_mcp.message_signatures.keys import VerificationKey, read_keys
from storefront_mcp.ucp.platform_errors import PlatformRefused

VERSION_PATTERN: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
NAME_PATTERN: Final = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]*[a-z0-9_])?)+")
MAX_PROFILE_BYTES: Final = 256 * 1024
"""Platforms may count on 128 KiB."""
MAX_PROFILE_DEPTH: Final = 32
MAX_PROFILE_CONTAINERS: Final = 8_192
"""Objects and lists."""
MAX_CAPABILITIES: Final = 256
MAX_ENTRIES: Final = 16
"""Versions of one capability."""
MAX_NAME_CHARS: Final = 128
MAX_URL_CHARS: Final = 2_048
JSON_STRING_PATTERN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
"""To the end where it is not closed, so that no text is looked at twice."""
BRACKET_PATTERN: Final = re.compile(rb"[\[\]{}]")


class VersionRange(Struct, frozen=True):
    """Versions from one to another, both included; None is no bound. Versions are dates, so that they sort as texts."""

    min: str | None = None
    max: str | None = None

    def holds(self, version: str) -> bool:
        """Whether a version is in it."""
        return (self.min is None or version >= self.min) and (self.max is None or version <= self.max)


class CapabilityEntry(Struct, frozen=True, kw_only=True):
    """A platform's word about one version of a capability."""

    version: str | None
    """None: not said, so any."""
    protocol: VersionRange = VersionRange()
    """Of `requires`."""
    capabilities: Mapping[str, VersionRange] = {}
    """Of `requires`."""
    webhook_url: str | None = None
    """Where the platform wants to hear of orders; unchecked."""


class PlatformProfile(Struct, frozen=True, kw_only=True):
    """Who asks: what a platform's profile says."""

    profile: str
    """Its URL, in normal form."""
    version: str
    """The protocol version that it speaks."""
    capabilities: Mapping[str, tuple[CapabilityEntry, ...]]
    """By name; empty where it declares none."""
    keys: Mapping[str, VerificationKey] = {}
    """By `kid`."""
    known: bool = False
    """Whether the store's operator lists it."""


def read_profile(url: str, body: bytes) -> PlatformProfile:
    """The platform that a profile describes. Raises PlatformRefused."""
    found = _decode(body)
    ucp = found.get("ucp")
    version = ucp.get("version") if isinstance(ucp, Mapping) else None
    if not isinstance(ucp, Mapping) or not isinstance(version, str) or VERSION_PATTERN.fullmatch(version) is None:
        raise _refusal('it names no "ucp.version", which is a date')
    capabilities = ucp.get("capabilities")
    # Profiles of the first versions have a list.
    listed = capabilities if isinstance(capabilities, Mapping) else {}
    if len(listed) > MAX_CAPABILITIES:
        raise _refusal(f"it has more than {MAX_CAPABILITIES} capabilities")
    published = found.get("keys", found.get("signing_keys"))
    return PlatformProfile(
        profile=url,
        version=version,
        capabilities={
            name: entries
            for name, said in listed.items()
            if is_capability_name(name) and (entries := tuple(_entries(said)))
        },
        keys=read_keys(published),
    )


def is_capability_name(name: str) -> bool:
    """Whether a name has the form of a capability's."""
    return len(name) <= MAX_NAME_CHARS and NAME_PATTERN.fullmatch(name) is not None


def _decode(body: bytes) -> dict[str, Any]:
    """A profile as JSON; bounded before anything of it is built. Raises PlatformRefused."""
    if len(body) > MAX_PROFILE_BYTES:
        raise _refusal(f"it has more than {MAX_PROFILE_BYTES} bytes")
    if body.count(b"{") + body.count(b"[") > MAX_PROFILE_CONTAINERS or _depth(body) > MAX_PROFILE_DEPTH:
        raise _refusal("it is nested too deeply, or has too many parts")
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _refusal("it is no JSON object") from None


def _depth(body: bytes) -> int:
    """How deep a JSON text nests."""
    depth = deepest = 0
    for found in BRACKET_PATTERN.finditer(JSON_STRING_PATTERN.sub(b"", body)):
        depth += 1 if found[0] in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _entries(said: object) -> Iterator[CapabilityEntry]:
    """The entries of one capability; what is none is left out."""
    for entry in said[:MAX_ENTRIES] if isinstance(said, Sequence) and not isinstance(said, str) else ():
        if not isinstance(entry, Mapping):
            continue
        version = entry.get("version")
        if version is not None and (not isinstance(version, str) or VERSION_PATTERN.fullmatch(version) is None):
            continue
        requires, config = entry.get("requires"), entry.get("config")
        needed = requires if isinstance(requires, Mapping) else {}
        others = needed.get("capabilities")
        hook = config.get("webhook_url") if isinstance(config, Mapping) else None
        yield CapabilityEntry(
            version=version,
            protocol=_range(needed.get("protocol")),
            capabilities={
                name: _range(bounds)
                for name, bounds in (others if isinstance(others, Mapping) else {}).items()
                if is_capability_name(name)
            },
            webhook_url=hook if isinstance(hook, str) and len(hook) <= MAX_URL_CHARS else None,
        )


def _range(said: object) -> VersionRange:
    if not isinstance(said, Mapping):
        return VersionRange()
    low, high = (bound if isinstance(bound := said.get(name), str) else None for name in ("min", "max"))
    return VersionRange(low, high)


def _refusal(why: str) -> PlatformRefused:
    return PlatformRefused("profile_malformed", f"Your profile cannot be used: {why}.")
