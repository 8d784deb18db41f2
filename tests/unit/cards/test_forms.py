"""Every document is judged by what its readers want, whatever rendered it: faults are found, named, and have a fix."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from storefront_mcp.cards import CARDS
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import DocumentIssue
from tests.unit.cards.site_documents import HOSTILE
from tests.unit.cards.states import (
    BARE,
    GUARDED,
    PICKLE,
    SPEAKER,
    STATES,
    STORES,
    card,
    document,
    is_json,
    rendered,
    roadmap,
)

PLAIN = {"favicon", "favicon-svg", "logo", "style", "copy-buttons", "webmcp"}
"""Documents of which nobody wants more than that they are well-formed."""
SECURE = replace(PICKLE, security_contact="mailto:security@pickle.example")
LINK = "an absolute address with https"


def complaints(name: str, store: Store = PICKLE, state: str = "cart", body: bytes | None = None) -> list[DocumentIssue]:
    """Of one document."""
    validate = card(name).validate
    assert validate is not None
    return list(validate(store, roadmap(state), rendered(name, state, store) if body is None else body))


def all_complaints(store: Store, state: str = "cart") -> Iterator[tuple[str, DocumentIssue]]:
    for each in CARDS:
        body = each.render(store, roadmap(state))
        if each.validate is not None and body is not None:
            yield from ((each.name, one) for one in each.validate(store, roadmap(state), body))


def test_every_document_that_can_be_wrong_has_a_form() -> None:
    assert {each.name for each in CARDS if each.validate is None} == PLAIN


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("store", [*STORES.values(), HOSTILE, SECURE], ids=[*STORES, "hostile", "secure"])
def test_what_we_publish_is_what_its_readers_want(store: Store, state: str) -> None:
    found = list(all_complaints(store, state))

    assert [one for _, one in found if one.grave] == []
    poorer = {"icon", "documentation", "privacy_policy"} if store is BARE else set()
    assert {one.fix.removeprefix("Set store.").partition(" ")[0] for _, one in found} == poorer


@pytest.mark.parametrize(
    ("setting", "value", "documents", "wanted"),
    [
        ("icon", "http://pickle.example/i.png", {"server-card", "server-cards", "mcp-json", "endpoint-card"}, LINK),
        ("website", "http://shop.example", {"server-card", "endpoint-card", "mcp-info", "landing"}, LINK),
        ("documentation", "/docs", {"server-card", "api-catalog", "protocols", "openapi", "protected-resource"}, LINK),
        ("privacy_policy", "https:///privacy", {"server-card", "server-cards", "mcp-json"}, LINK),
        ("privacy_policy", "https://[pickle", {"server-card"}, LINK),
        ("privacy_policy", "https://shop.example/a policy", {"server-card"}, LINK),
        ("issuer", "https://auth.example/?tenant=1", {"protected-resource"}, "without a query"),
        ("issuer", "http://auth.example", {"protected-resource", "protocols"}, LINK),
        ("name", " ", {"server-card", "ai-catalog", "agent-skill", "protocols", "landing", "llms-txt"}, "not blank"),
        ("name", "Pickle " * 200, {"agent-skills"}, "at most 1024"),
        ("description", "\n", {"server-card", "mcp-info", "openapi"}, "not blank"),
        ("tagline", " ", {"llms-txt"}, "not blank"),
        ("version", "^1.2", {"endpoint-card"}, "not a range"),
        ("version", "1.x", {"endpoint-card"}, "not a range"),
        ("version", "latest", {"endpoint-card"}, "not a range"),
        ("version", "1" * 256, {"endpoint-card", "server-card"}, ""),
        ("content_signals", "ai-train=perhaps", {"robots-txt"}, "search=yes"),
        ("content_signals", "search=yes\nDisallow: /", {"robots-txt"}, "search=yes"),
        ("content_signals", "search=yes\nCrawl-of: all", {"robots-txt"}, "search=yes"),
        ("security_contact", "ada", {"security-txt"}, "mailto:"),
        ("pages", ("a#b",), {"sitemap"}, "own origin"),
    ],
)
def test_a_setting_that_spoils_documents_is_named(
    setting: str, value: object, documents: set[str], wanted: str
) -> None:
    changed: dict[str, Any] = {"issuer": GUARDED.issuer, setting: value}
    found = list(all_complaints(replace(SECURE, **changed)))

    assert documents <= {name for name, _ in found}
    assert all(one.grave for _, one in found)
    named = [one for _, one in found if f"store.{setting}" in one.fix]
    assert named or setting == "pages"
    assert any(wanted in f"{one.says} {one.fix}" for _, one in found)


def test_the_name_of_a_server_that_is_too_long_is_named() -> None:
    store = replace(PICKLE, server=replace(SPEAKER, name="example.pickle/" + "x" * 200))

    assert {"endpoint-card", "server-card", "mcp-info"} <= {name for name, _ in all_complaints(store)}
    assert {one.fix for _, one in all_complaints(store)} == {
        "Set store.server_name to a reverse-DNS name with one slash, of at most 200 characters."
    }


@pytest.mark.parametrize("setting", ["icon", "documentation", "privacy_policy"])
def test_what_a_card_does_without_is_told_and_is_no_fault(setting: str) -> None:
    (name, one) = next(all_complaints(replace(PICKLE, **{setting: None})))

    assert (name, one.grave) == ("server-card", False)
    assert one.fix == f"Set store.{setting} to its address."


def test_an_icon_on_another_origin_is_told_and_is_no_fault() -> None:
    (one,) = complaints("server-card", replace(PICKLE, icon="https://cdn.example/icon.png"))

    assert not one.grave
    assert "on another origin" in one.says
    assert PICKLE.origin in one.fix


def test_a_store_on_this_machine_may_do_without_https() -> None:
    local = replace(PICKLE, origin="http://127.0.0.1:8000", icon="http://127.0.0.1:8000/favicon.ico")

    assert complaints("server-card", local) == []


# What no setting can do, but a mistake of ours ------------------------------------------------------------------------

Spoil = Callable[[dict[str, Any]], object]


def member(path: str, value: Any) -> Spoil:
    """Sets a member; `...` takes it away."""

    def spoil(found: dict[str, Any]) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split(" ")]
        inside: Any = found
        for step in way:
            inside = inside[step]
        if value is ...:
            del inside[last]
        else:
            inside[last] = value

    return spoil


@pytest.mark.parametrize(
    ("name", "spoil", "says"),
    [
        ("server-card", member("endpoint", ...), "endpoint is missing"),
        ("server-card", member("endpoint", "https://elsewhere.example/mcp"), "the address of the MCP endpoint"),
        ("server-card", member("status", "planned"), "what the roadmap says"),
        ("server-card", member("authentication required", True), "authentication.required is true"),
        ("server-card", member("planned_tools 0 name", "steal"), "the tools that the roadmap promises"),
        ("server-card", member("tools", {}), "the tools that are open"),
        ("server-card", member("tools 0", "search"), "the tools that are open"),
        ("server-card", member("tools 0 inputSchema type", "string"), "tools[0].inputSchema"),
        ("server-card", member("protocolVersion", "1.0"), "the version that every client speaks"),
        ("server-card", member("remotes", []), "remotes is missing"),
        ("server-card", member("remotes", "none"), 'remotes is "none"'),
        ("server-card", member("remotes 0 url", "https://pickle.example.evil.example/mcp"), "own origin"),
        ("server-card", member("remotes 0 supportedProtocolVersions 0", "1999-01-01"), "that are spoken here"),
        ("server-card", member("remotes 0 supportedProtocolVersions", []), "that are spoken here"),
        ("server-card", member("capabilities", {}), "what the running server is capable of"),
        ("server-cards", member("servers", []), "servers is missing"),
        ("mcp-json", member("servers 0 transport", "sse"), 'servers[0].transport is "sse"'),
        ("endpoint-card", member("$schema", "https://elsewhere.example"), "$schema is"),
        ("endpoint-card", member("description", "x" * 101), "at most 100 characters"),
        ("endpoint-card", member("remotes", ...), "remotes is missing"),
        ("ai-catalog", member("specVersion", 1), "specVersion is 1"),
        ("ai-catalog", member("host identifier", "pickle.example"), "a did:web of this host"),
        ("ai-catalog", member("entries 0 identifier", "storefront"), "a urn:air"),
        ("ai-catalog", member("entries 0 type", "application/json"), "application/mcp-server-card+json"),
        ("ai-catalog", member("entries 0 representativeQueries", ["one"]), "2 to 5 questions"),
        ("api-catalog", member("linkset 0 status", ...), "linkset[0].status is missing"),
        ("api-catalog", member("linkset 0 anchor", "/mcp"), "the address of an API of this store"),
        ("api-catalog", member("linkset 0 anchor", {}), "the address of an API of this store"),
        ("protected-resource", member("resource", "https://pickle.example"), "the address of the MCP endpoint"),
        ("protected-resource", member("scopes_supported", ["offline_access"]), "the scopes that open tools ask for"),
        ("agent-skills", member("skills 0 digest", "sha256:0"), "the digest of the skill"),
        ("agent-skills", member("skills 0 name", "My Skill"), "small letters"),
        ("protocols", member("protocols mcp open_tools", ["place_order"]), "the tools that are open"),
        ("protocols", member("protocols mcp protocol_versions", []), "the versions that are spoken here"),
        ("protocols", member("protocols site sitemap", "/sitemap.xml"), "own origin"),
        ("protocols-schema", member("$schema", ...), "$schema is missing"),
        ("mcp-info", member("tools open", 99), "how many tools are open"),
        ("mcp-info", member("endpoints docs url", "/mcp/docs"), "endpoints.docs.url"),
        ("mcp-tools", member("tools", []), "the tools that are open"),
        ("mcp-tools", member("promised", []), "promised is"),
        ("mcp-resources", member("prompts", []), "the prompts that are open"),
        ("mcp-config", member("clients 0 url", "/mcp/config"), "clients[0].url"),
        ("openapi", member("openapi", "2.0"), "OpenAPI version"),
        ("openapi", member("paths", ...), "paths are not operations"),
        ("openapi", member("paths /mcp", {}), "/mcp takes POST"),
        ("openapi", member("paths /healthz get operationId", "call_mcp"), "the same operationId"),
        ("openapi", member("paths /healthz get responses", {}), "what it answers"),
        ("openapi", member("components schemas JsonRpcRequest", ...), "components.schemas.JsonRpcRequest is missing"),
    ],
)
def test_a_member_that_is_not_as_it_should_be_is_named(name: str, spoil: Spoil, says: str) -> None:
    found = document(name, "cart", GUARDED)
    spoil(found)
    (one, *_) = complaints(name, GUARDED, body=json.dumps(found).encode())

    assert says in one.says
    assert one.grave
    assert one.fix


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inside: st.lists(inside, max_size=2) | st.dictionaries(st.text(max_size=6), inside, max_size=2),
    max_leaves=4,
)


JSON_CARDS = [
    each
    for each in CARDS
    if each.validate is not None and is_json(each) and each.render(GUARDED, roadmap("cart")) is not None
]
"""`test_sign_in_documents.py` has those that there are without an issuer only."""


@given(spoilt=st.data(), value=JSON_VALUES)
@pytest.mark.parametrize("name", [each.name for each in JSON_CARDS])
def test_no_document_is_too_odd_to_be_judged(name: str, spoilt: st.DataObject, value: object) -> None:
    found = document(name, "cart", GUARDED)
    inside: Any = found
    # Deeper and deeper, until something is replaced.
    while True:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = spoilt.draw(st.sampled_from(keys))
        if not isinstance(inside[key], dict | list) or not inside[key] or spoilt.draw(st.booleans()):
            inside[key] = value
            break
        inside = inside[key]

    assert all(one.says and one.fix for one in complaints(name, GUARDED, body=json.dumps(found).encode()))


@pytest.mark.parametrize("body", [b"[]", b'"card"', b"null"])
def test_a_document_that_is_no_object_is_told(body: bytes) -> None:
    (one,) = complaints("server-card", body=body)

    assert "readers want an object" in one.says


def test_nobody_is_sent_to_a_server_that_is_not_open() -> None:
    found = document("endpoint-card", "planned") | {"remotes": document("endpoint-card", "cart")["remotes"]}
    (one,) = complaints("endpoint-card", state="planned", body=json.dumps(found).encode())

    assert "nothing is open" in one.says


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("robots-txt", "User-agent: *", "User-agent: Somebot", "for every User-agent"),
        ("robots-txt", "Allow: /\n", "Disallow: /.well-known/\n", "server-card.json"),
        ("robots-txt", "Sitemap: https://pickle.example", "Sitemap: https://elsewhere.example", "Sitemap"),
        ("llms-txt", "# Pickle", "Pickle", "does not begin with"),
        ("llms-txt", "- [", "- ", "no section with links"),
        ("llms-txt", "](https:", "](http:", LINK),
        ("llms-txt", "https://pickle.example/mcp\n", "\n", "It does not say https://pickle.example/mcp"),
        ("sitemap", "schemas/sitemap/0.9", "schemas/sitemap/1", "namespace of sitemaps.org"),
        ("sitemap", "<loc>https://pickle.example", "<loc>https://elsewhere.example", "own origin"),
        ("auth", "# auth.md", "# Signing in", "does not say auth.md"),
        ("security-txt", "Expires: 2027", "Expires: 2028", "within a year"),
        ("security-txt", "Expires: ", "Expires: soon, ", "within a year"),
        ("security-txt", "Canonical: ", "See: ", "Canonical"),
        ("landing", '<html lang="en">', "<html>", "its language"),
        ("landing", "<title>", "<title></title><title hidden>", "a title"),
        ("landing", 'name="description"', 'name="words"', "a description"),
        ("landing", "<h1>", "<p>", "a heading"),
        ("landing", 'rel="canonical"', 'rel="other"', "The canonical link"),
        ("landing", "application/ld+json", "text/plain", "no JSON-LD"),
        ("landing", '{"@context"', '["@context"', "no JSON-LD"),
        ("landing", '"@graph"', '"@grid"', "no JSON-LD"),
        ("landing", '"@graph": [', '"@graph": [1, ', "no JSON-LD"),
        ("docs", "<h1>", "<p>", "a heading"),
        ("landing-markdown", "# ", "", "It has no title"),
        ("docs-markdown", "# ", "", "It has no title"),
        ("mcp-docs", "https://pickle.example/mcp", "", "It does not say"),
        ("mcp-config-cursor", "https://pickle.example/mcp", "", "It does not say"),
        ("agent-skill", "name: ", "title: ", "the skill's name and description"),
    ],
)
def test_a_text_that_is_not_as_it_should_be_is_told(name: str, old: str, new: str, says: str) -> None:
    text = rendered(name, "cart", SECURE).decode()
    assert old in text
    found = complaints(name, SECURE, body=text.replace(old, new).encode())

    assert any(says in one.says for one in found), found
    assert all(one.fix for one in found)


def test_a_value_is_quoted_only_so_far() -> None:
    (one,) = complaints("server-card", replace(PICKLE, icon="http://pickle.example/" + "x" * 500))

    assert len(one.says) < 200
    assert "…" in one.says
