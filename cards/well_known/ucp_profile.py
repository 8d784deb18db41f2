"""`/.well-known/ucp`: the business profile of the Universal Commerce Protocol, and one per older release.

It names what is open and nothing else. The top-level `protocol_version`, `services`, `capabilities` and `endpoints`
repeat it for scanners that know no `ucp` envelope.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from storefront_mcp.agent_protocols.ucp import (
    LATEST_RELEASE,
    PERMALINK,
    RELEASES,
    SHOPPING_SERVICE,
    TRANSPORT_SCHEMAS,
    Transport,
    UcpCapability,
    UcpRelease,
    open_capabilities,
    permalink_endpoint,
)
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.rules.json_rules import (
    OUR_FAULT_TEXT,
    STATUS,
    MemberRule,
    Rule,
    equals,
    equals_known,
    json_validator,
)
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, DocumentIssue, PageEntry
from storefront_mcp.roadmap.roadmap import Condition, Roadmap


class UcpServiceEntry(Struct, frozen=True, kw_only=True):
    """A service over one transport."""

    version: str
    transport: Transport
    endpoint: str
    spec: str
    schema: str


class UcpCapabilityEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A capability in one release."""

    version: str
    spec: str
    schema: str
    extends: tuple[str, ...] = ()
    config: Mapping[str, str] = {}


class UcpEnvelope(Struct, frozen=True, kw_only=True):
    """The `ucp` member; empty maps say that nothing is open."""

    version: str
    supported_versions: Mapping[str, str]
    services: Mapping[str, tuple[UcpServiceEntry, ...]]
    capabilities: Mapping[str, tuple[UcpCapabilityEntry, ...]]
    payment_handlers: Mapping[str, Any] = {}


class UcpLeafEnvelope(Struct, frozen=True, kw_only=True):
    """The `ucp` member of an older release's profile, which supports no versions but its own."""

    version: str
    services: Mapping[str, tuple[UcpServiceEntry, ...]]
    capabilities: Mapping[str, tuple[UcpCapabilityEntry, ...]]
    payment_handlers: Mapping[str, Any] = {}


class UcpProfile(Struct, frozen=True, kw_only=True):
    """The document."""

    ucp: UcpEnvelope | UcpLeafEnvelope
    status: Condition
    """Ours: why it may be empty."""
    protocol_version: str
    services: Mapping[str, tuple[UcpServiceEntry, ...]]
    capabilities: Mapping[str, tuple[UcpCapabilityEntry, ...]]
    endpoints: Mapping[str, str]
    keys: tuple[Mapping[str, str], ...] | UnsetType = UNSET
    """Those that answers are signed by."""
    signing_keys: tuple[Mapping[str, str], ...] | UnsetType = UNSET
    """The same, as older releases call them."""


def _render(release: UcpRelease, store: Store, roadmap: Roadmap) -> bytes | None:
    if "ucp" not in store.protocols:
        return None
    found = open_capabilities(roadmap)
    capabilities = {name: (_capability(release, one, found),) for name, one in found.items()}
    if (link := permalink_endpoint(release, store, roadmap)) is not None:
        capabilities[PERMALINK] = (_permalink(release, link),)
    services = {SHOPPING_SERVICE: tuple(_services(release, store))} if capabilities else {}
    ucp: UcpEnvelope | UcpLeafEnvelope
    if release is LATEST_RELEASE:
        older = {one.id: store.url(one.profile_path) for one in RELEASES if one is not LATEST_RELEASE}
        ucp = UcpEnvelope(version=release.id, supported_versions=older, services=services, capabilities=capabilities)
    else:
        ucp = UcpLeafEnvelope(version=release.id, services=services, capabilities=capabilities)
    profile = UcpProfile(
        ucp=ucp,
        status=roadmap.condition,
        protocol_version=release.id,
        services=services,
        capabilities=capabilities,
        endpoints={entry.transport: entry.endpoint for entries in services.values() for entry in entries},
        keys=store.ucp_keys or UNSET,
        signing_keys=(store.ucp_keys or UNSET) if release is not LATEST_RELEASE else UNSET,
    )
    return pretty_json(profile)


def _services(release: UcpRelease, store: Store) -> Iterator[UcpServiceEntry]:
    for transport, schema in TRANSPORT_SCHEMAS.items():
        yield UcpServiceEntry(
            version=release.id,
            transport=transport,
            endpoint=release.endpoint(store, transport),
            spec=release.specification("overview"),
            schema=release.service_schema(schema),
        )


def _capability(
    release: UcpRelease, capability: UcpCapability, found: Mapping[str, UcpCapability]
) -> UcpCapabilityEntry:
    return UcpCapabilityEntry(
        version=release.id,
        spec=release.specification(release.spec_pages[capability.name]),
        schema=release.schema(capability.schema),
        extends=tuple(name for name in capability.extends if name in found),
    )


def _permalink(release: UcpRelease, endpoint: str) -> UcpCapabilityEntry:
    return UcpCapabilityEntry(
        version=release.id,
        spec=release.specification(release.spec_pages[PERMALINK]),
        schema=release.schema("permalink.json"),
        config={"endpoint": endpoint},
    )


def _open_names(release: UcpRelease, store: Store, roadmap: Roadmap) -> list[str]:
    links = permalink_endpoint(release, store, roadmap) is not None
    return [*open_capabilities(roadmap), *([PERMALINK] if links else [])]


def _entries_agree(release: UcpRelease) -> Rule:
    """Platforms refuse entries of another version than the profile's."""

    def rule(document: Any, store: Store, roadmap: Roadmap) -> Iterator[DocumentIssue]:  # noqa: ANN401 -- JSON
        ucp = document.get("ucp")
        ucp = ucp if isinstance(ucp, dict) else {}
        for kind in ("services", "capabilities"):
            named = ucp.get(kind)
            for name, entries in (named if isinstance(named, dict) else {}).items():
                listed = entries if isinstance(entries, list) else [None]
                if not all(isinstance(one, dict) and one.get("version") == release.id for one in listed):
                    yield DocumentIssue(f"ucp.{kind} has {name} in another version.", OUR_FAULT_TEXT)
        names = ucp.get("capabilities")
        if list(names if isinstance(names, dict) else ()) != _open_names(release, store, roadmap):
            yield DocumentIssue("ucp.capabilities are not those that are open.", OUR_FAULT_TEXT)

    return rule


def ucp_profile(release: UcpRelease) -> Card:
    """The profile of one release."""
    latest = release is LATEST_RELEASE
    version = equals(release.id)
    return Card(
        name="ucp-profile" if latest else f"ucp-profile-{release.id}",
        paths=(release.profile_path,),
        media_type=JSON_TYPE,
        render=partial(_render, release),
        served_by=lambda store: "ucp" in store.protocols,
        page_entry=PageEntry("UCP profile", "what shopping agents of platforms can do here") if latest else None,
        validate=json_validator(
            MemberRule("ucp.version", version),
            MemberRule("protocol_version", version),
            MemberRule("status", STATUS),
            MemberRule("ucp.payment_handlers", equals({})),
            MemberRule(
                "ucp.supported_versions",
                equals_known(
                    lambda store, _: {one.id: store.url(one.profile_path) for one in RELEASES[1:]},
                    "the profiles of older releases",
                ),
                optional=not latest,
            ),
            _entries_agree(release),
        ),
    )


UCP_PROFILES: Final = tuple(ucp_profile(release) for release in RELEASES)
