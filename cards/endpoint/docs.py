"""`/mcp/docs`: the catalogue as Markdown, phase by phase; open tools in full, promised ones in one line."""

from typing import Final

from storefront_mcp.cards.rules.text_rules import contains, has_heading, text_validator
from storefront_mcp.cards.server_facts import protocol_versions, remotes
from storefront_mcp.cards.site.arguments import arguments
from storefront_mcp.cards.site.docs import side_effects
from storefront_mcp.cards.site.roadmap_view import AUTH_WORDS
from storefront_mcp.cards.site.templating import render_template
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, InfoEntry, PageEntry
from storefront_mcp.roadmap.roadmap import Roadmap


def _render(store: Store, roadmap: Roadmap) -> bytes:
    return render_template(
        "catalogue.md.j2",
        store,
        roadmap,
        remotes=remotes(store),
        versions=protocol_versions(store),
        arguments=arguments,
        marks=side_effects,
        auth_words=AUTH_WORDS,
    )


DOCS: Final = Card(
    name="mcp-docs",
    paths=("/mcp/docs",),
    media_type="text/markdown; charset=utf-8",
    page_entry=PageEntry("MCP catalogue", "tools, resources and prompts as Markdown, phase by phase"),
    info_entry=InfoEntry("docs", "The whole catalogue as Markdown"),
    render=_render,
    validate=text_validator(has_heading(), contains(lambda store: store.endpoint)),
)
