"""The root documents in every state of the roadmap: what is true of all of them, and of each."""

import itertools
import json
import re
import struct
import tomllib
import zlib
from datetime import UTC, datetime
from urllib.parse import urljoin
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from storefront_mcp.cards.site.snippets import snippets
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from tests.unit.cards.site_documents import (
    HOSTILE,
    HTML_PAGES,
    IN_CODE,
    MARKDOWN_LINK,
    PLAIN_LINK,
    SITE_DOCUMENTS,
    body,
    html_links,
    ours,
    parsed,
    served,
    text,
)
from tests.unit.cards.states import BARE, GUARDED, PICKLE, roadmap

STATES = ("planned", "browse", "cart")
STORES = {"pickle": PICKLE, "bare": BARE, "guarded": GUARDED, "hostile": HOSTILE}
MARKDOWN = ("landing-markdown", "docs-markdown", "auth", "llms-txt")

every_state = pytest.mark.parametrize("state", STATES)
every_store = pytest.mark.parametrize("store", STORES.values(), ids=STORES)


@every_state
@every_store
@pytest.mark.parametrize("name", HTML_PAGES)
def test_a_page_is_html_without_errors_and_says_what_it_is(name: str, store: Store, state: str) -> None:
    page = parsed(body(name, state, store))
    metas = {meta.get("name"): meta.get("content") for meta in page.iter("meta")}
    links = {link.get("rel"): link.get("href") for link in page.iter("link")}

    assert page.get("lang") == store.locale
    assert len(list(page.iter("h1"))) == 1
    assert store.name in (page.findtext("head/title") or "")
    assert metas["description"]
    assert links["canonical"] == store.url("/" if name == "landing" else "/api/docs")
    assert all(next(page.iter(landmark), None) is not None for landmark in ("header", "nav", "main", "footer"))
    assert all(image.get("alt") is not None for image in page.iter("img"))


@every_state
@pytest.mark.parametrize("name", HTML_PAGES)
def test_a_page_needs_no_inline_script_or_style(name: str, state: str) -> None:
    page = parsed(body(name, state, HOSTILE))

    assert [script.get("type") for script in page.iter("script") if script.get("src") is None] in (
        [],
        ["application/ld+json"],
    )
    assert list(page.iter("style")) == []
    assert not [name for element in page.iter() for name in element.attrib if name == "style" or name.startswith("on")]


@every_state
@pytest.mark.parametrize("name", HTML_PAGES)
def test_headings_skip_no_level(name: str, state: str) -> None:
    levels = [
        int(element.tag[1]) for element in parsed(body(name, state)).iter() if re.fullmatch("h[1-6]", element.tag)
    ]

    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@every_state
@pytest.mark.parametrize("name", HTML_PAGES)
def test_every_anchor_leads_to_something_on_its_page(name: str, state: str) -> None:
    pages = {"/": parsed(body("landing", state)), "/api/docs": parsed(body("docs", state))}
    here = "/" if name == "landing" else "/api/docs"
    for link in pages[here].iter("a"):
        path, _, fragment = urljoin(here, link.get("href")).partition("#")
        if fragment:
            assert fragment in {element.get("id") for element in pages[path].iter()}


@every_state
@every_store
def test_nothing_leads_to_a_place_of_ours_that_is_not_there(store: Store, state: str) -> None:
    there = served(state, store)

    for name in HTML_PAGES:
        assert ours(html_links(body(name, state, store), store), store) <= there
    for name in MARKDOWN:
        assert ours(iter(MARKDOWN_LINK.findall(IN_CODE.sub("", text(name, state, store)))), store) <= there
    for name in ("llms-txt", "robots-txt", "sitemap"):
        found = ours(iter(PLAIN_LINK.findall(text(name, state, store))), store)
        assert found - {"/mcp"} <= there
        assert "/mcp" not in found or name == "llms-txt"


@every_state
@every_store
def test_the_link_headers_lead_somewhere(store: Store, state: str) -> None:
    for card in SITE_DOCUMENTS:
        header = card.links and card.links(store, roadmap(state))
        if header:
            assert {link.removeprefix(store.origin) for link in re.findall(r"<([^>]+)>", header)} <= served(
                state, store
            )


def test_the_front_door_names_the_relations_that_scanners_look_for() -> None:
    (landing,) = (card for card in SITE_DOCUMENTS if card.name == "landing")
    assert landing.links is not None
    header = landing.links(PICKLE, roadmap("planned")) or ""

    relations = {"api-catalog", "service-desc", "service-doc", "describedby", "alternate", "ai-catalog"}
    assert set(re.findall(r'rel="([^"]+)"', header)) == relations


@every_state
@pytest.mark.parametrize("name", HTML_PAGES)
def test_a_page_never_links_to_the_endpoint_for_it_answers_no_get(name: str, state: str) -> None:
    assert "/mcp" not in ours(html_links(body(name, state), PICKLE), PICKLE)


@every_state
def test_a_stores_texts_are_never_markup(state: str) -> None:
    for name in HTML_PAGES:
        page = parsed(body(name, state, HOSTILE))
        assert "alert(1)" not in "".join(script.text or "" for script in page.iter("script") if not script.get("type"))
        assert HOSTILE.name in " ".join("".join(page.itertext()).split())
        assert list(page.iter("b")) == [b for b in page.iter("b") if b.text != '"Cheese"']
    for name in MARKDOWN:
        assert "[x](y)" not in text(name, state, HOSTILE)
        assert "<b>" not in text(name, state, HOSTILE)


@every_state
@every_store
def test_the_linked_facts_are_json_and_name_the_shop(store: Store, state: str) -> None:
    (script,) = (script for script in parsed(body("landing", state, store)).iter("script") if script.get("type"))
    shop, site, api = json.loads(script.text or "")["@graph"]

    assert shop["@type"] == ["Organization", "OnlineStore"]
    assert shop["name"] == store.name
    assert shop["logo"].startswith(store.origin)
    assert (site["@type"], api["@type"]) == ("WebSite", "WebAPI")
    assert site["url"] == store.url("/")
    assert ("potentialAction" in api) is (state != "planned")


@pytest.mark.parametrize(
    ("icon", "picture"),
    [
        ("https://pickle.example/jar.png", "https://pickle.example/jar.png"),
        ("https://pickle.example/favicon.ico", "https://pickle.example/logo.png"),
        (None, "https://pickle.example/logo.png"),
    ],
)
def test_a_preview_of_the_page_has_a_picture_that_previews_can_show(icon: str | None, picture: str) -> None:
    page = text("landing", "browse", replace(PICKLE, icon=icon))

    assert f'<meta property="og:image" content="{picture}">' in page
    assert f'"logo": "{picture}"' in page
    assert body("logo", "browse").startswith(b"\x89PNG")


@every_state
def test_the_landing_page_tells_where_every_phase_stands(state: str) -> None:
    page = parsed(body("landing", state))
    chips = [element.text for element in page.iter("p") if element.get("class") == "chip"]

    assert (
        chips
        == {
            "planned": ["Next", "Later", "Later", "Later"],
            "browse": ["Open now", "Next", "Later", "Later"],
            "cart": ["Open now", "Open now", "Next", "Later"],
        }[state]
    )
    for phase in roadmap(state).phases:
        assert phase.manifest.delivers in "".join(page.itertext())
        assert all(f">{promise.name}<" in text("landing", state) for promise in phase.manifest.tools)


def test_a_planned_store_says_so_and_when_it_means_to_open() -> None:
    launching = replace(PICKLE, launch="2026-12-01T09:00:00+10:00")

    assert "no tool is open yet" in text("landing", "planned", launching)
    for name in ("landing", "landing-markdown", "llms-txt", "docs", "docs-markdown"):
        assert "1 December 2026" in text(name, "planned", launching)
        assert "1 December 2026" not in text(name, "browse", launching)
        assert "1 January 2020" not in text(name, "planned", replace(PICKLE, launch="2020-01-01T00:00:00Z"))


@every_store
def test_each_snippet_names_the_endpoint_in_its_clients_own_format(store: Store) -> None:
    shown = parsed(body("landing", "browse", store))
    blocks = [block.text for block in shown.iter("code")]
    for snippet in snippets(store):
        assert store.endpoint in snippet.text
        assert snippet.text in blocks
        assert snippet.text in text("landing-markdown", "browse", store)
        if snippet.language == "json":
            assert store.endpoint in json.dumps(json.loads(snippet.text))
        if snippet.language == "toml":
            (server,) = tomllib.loads(snippet.text)["mcp_servers"].values()
            assert server == {"url": store.endpoint}


@every_state
def test_the_page_and_its_markdown_say_the_same(state: str) -> None:
    for name in HTML_PAGES:
        (card,) = (card for card in SITE_DOCUMENTS if card.name == name)
        (alternate,) = card.alternates.values()
        assert alternate(PICKLE, roadmap(state)) == body(f"{name}-markdown", state)


@every_state
def test_pages_point_to_llms_txt_near_their_top(state: str) -> None:
    for name in ("landing-markdown", "docs-markdown", "auth"):
        assert text(name, state).index("/llms.txt") < 300
    for name in HTML_PAGES:
        page = text(name, state)
        assert page.index('href="/llms.txt"') - page.index("<body>") < 200


@every_state
def test_llms_txt_has_a_title_a_summary_and_the_markdown_of_every_page_in_the_sitemap(state: str) -> None:
    written = text("llms-txt", state)
    addresses = [loc.text or "" for loc in ET.fromstring(body("sitemap", state)).iter() if loc.tag.endswith("loc")]

    assert written.startswith("# Pickle Warehouse\n\n> ")
    assert addresses[:2] == [PICKLE.url("/"), PICKLE.url("/api/docs")]
    assert addresses[2:] == [PICKLE.url(f"/{page}") for page in PICKLE.pages]
    for address in addresses:
        assert f"({address.removesuffix('/') + ('/index' if address.endswith('/') else '')}.md)" in written
    assert f"Status: {'planned' if state == 'planned' else 'active'}" in written


@every_state
def test_markdown_names_the_page_that_it_is_another_form_of(state: str) -> None:
    for name, path in (("landing-markdown", "/"), ("docs-markdown", "/api/docs")):
        (card,) = (card for card in SITE_DOCUMENTS if card.name == name)
        assert card.links is not None
        assert card.links(PICKLE, roadmap(state)) == f'<{PICKLE.url(path)}>; rel="canonical"'


def test_the_sitemap_dates_our_own_pages_and_claims_nothing_of_the_shops() -> None:
    entries = re.findall(r"<url><loc>([^<]+)</loc>(?:<lastmod>([^<]+)</lastmod>)?</url>", text("sitemap", "browse"))
    today = roadmap("browse").as_of.isoformat()

    assert entries[:2] == [(PICKLE.url("/"), today), (PICKLE.url("/api/docs"), today)]
    assert entries[2:] == [(PICKLE.url(f"/{page}"), "") for page in PICKLE.pages]


@every_state
def test_the_docs_lead_to_every_address_over_http(state: str) -> None:
    assert '<a href="/openapi.json">' in text("docs", state)
    assert f"({PICKLE.url('/openapi.json')})" in text("docs-markdown", state)


def test_pages_that_are_not_republished_are_not_named() -> None:
    for name in ("landing", "landing-markdown", "llms-txt", "sitemap"):
        assert "/shipping" not in text(name, "cart", BARE)


@every_state
@every_store
def test_robots_txt_welcomes_everybody_and_names_the_agents(store: Store, state: str) -> None:
    written = text("robots-txt", state, store)
    robots = RobotFileParser()
    robots.parse(written.splitlines())

    assert "Agentmap" not in written
    assert all(robots.can_fetch(agent, store.url("/")) for agent in ("GPTBot", "ClaudeBot", "Anybody"))
    assert {"GPTBot", "ClaudeBot", "PerplexityBot"} <= set(re.findall(r"^User-agent: (.+)$", written, re.MULTILINE))
    assert robots.site_maps() == [store.url("/sitemap.xml")]
    signals = re.findall(r"^Content-Signal: (.+)$", written, re.MULTILINE)
    assert signals == [store.content_signals] * 2


@every_state
def test_auth_md_opens_with_its_own_name(state: str) -> None:
    for store in STORES.values():
        assert text("auth", state, store).splitlines()[0] == "# auth.md"
        assert "`Authorization: Bearer sfm_…`" in text("auth", state, store)
    assert "no access tokens are accepted" in text("auth", state, PICKLE)
    guarded = text("auth", state, GUARDED)
    assert GUARDED.issuer is not None
    assert GUARDED.issuer in guarded
    assert ("oauth-protected-resource" in guarded) is (state != "planned")
    assert "`get_customer_orders`: sign-in required, not open yet" in guarded


def test_security_txt_needs_a_contact_and_expires_within_a_year() -> None:
    (card,) = (card for card in SITE_DOCUMENTS if card.name == "security-txt")
    reachable = replace(PICKLE, security_contact="mailto:security@pickle.example")
    written = body("security-txt", "cart", reachable).decode()
    fields = dict(line.split(": ", 1) for line in written.splitlines())

    assert card.render(PICKLE, roadmap("cart")) is None
    assert fields["Contact"] == "mailto:security@pickle.example"
    assert fields["Canonical"] == PICKLE.url("/.well-known/security.txt")
    datetime.combine(roadmap("cart").as_of, datetime.min.time(), UTC)
    ahead = datetime.fromisoformat(fields["Expires"]) - datetime.combine(
        roadmap("cart").as_of, datetime.min.time(), UTC
    )
    assert 30 < ahead.days < 365


@every_state
def test_the_docs_explain_every_open_tool_and_name_every_promised_one(state: str) -> None:
    page, markdown = parsed(body("docs", state)), text("docs-markdown", state)
    sections = {section.get("id"): section for section in page.iter("section") if section.get("class") == "tool"}
    opened = {tool.name: tool for tool in roadmap(state).open_tools()}

    assert sections.keys() == opened.keys()
    for name, tool in opened.items():
        explained = " ".join("".join(sections[name].itertext()).split())
        assert all(argument in explained for argument in tool.input_schema.get("properties", {}))
        assert " ".join(tool.description.split()) in explained
        assert tool.description in markdown
    for _, promise in roadmap(state).promises():
        assert (f"- `{promise.name}`: {promise.summary}" in markdown) is (promise.name not in opened)
    assert all(version in markdown for version in PICKLE.server.protocol_versions)


@pytest.mark.parametrize(("state", "tools"), [("planned", 0), ("browse", 6), ("cart", 7)])
def test_webmcp_offers_the_open_tools_that_only_read(state: str, tools: int) -> None:
    script = text("webmcp", state)
    offered = json.loads(script.split("const tools = ")[1].split(";\n")[0])

    assert len(offered) == tools
    assert all(set(tool) == {"name", "title", "description", "inputSchema"} for tool in offered)
    assert not {"create_cart", "add_to_cart", "apply_coupon"} & {tool["name"] for tool in offered}


@every_store
def test_the_icon_is_an_ico_with_a_whole_png(store: Store) -> None:
    icon = body("favicon", "planned", store)
    _, kind, count, side, _, _, _, _, depth, length, offset = struct.unpack_from("<HHHBBBBHHII", icon)
    image = icon[offset:]

    assert (kind, count, side, depth, len(image)) == (1, 1, 32, 32, length)
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    at = image.index(b"IDAT")
    (packed,) = struct.unpack_from(">I", image, at - 4)
    assert len(zlib.decompress(image[at + 4 : at + 4 + packed])) == 32 * (1 + 4 * 32)
    assert ET.fromstring(body("favicon-svg", "planned", store)).tag.endswith("svg")


@pytest.mark.parametrize("card", SITE_DOCUMENTS, ids=lambda card: card.name)
@every_store
def test_the_same_facts_make_the_same_bytes(store: Store, card: Card) -> None:
    assert card.group == "root"
    first = [card.render(store, roadmap(state)) for state in STATES]
    roadmap.cache_clear()

    assert [card.render(store, roadmap(state)) for state in STATES] == first
