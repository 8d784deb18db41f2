"""`/mcp/docs`: the whole catalogue as Markdown, phase by phase: what is open in full, what is promised in a line."""

from typing import Final

from cards.prose import heading, mentions, prose
from cards.root.arguments import arguments
from cards.root.docs import marks
from cards.root.rendering import rendered
from cards.root.shown import AUTH_WORDS
from cards.server import remotes, versions
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap


def _render(store: Store, roadmap: Roadmap) -> bytes:
    return rendered(
        "catalogue.md.j2",
        store,
        roadmap,
        remotes=remotes(store),
        versions=versions(store),
        arguments=arguments,
        marks=marks,
        auth_words=AUTH_WORDS,
    )


DOCS: Final = Card(
    name="mcp-docs",
    paths=("/mcp/docs",),
    media_type="text/markdown; charset=utf-8",
    render=_render,
    form=prose(heading(), mentions(lambda store: store.endpoint)),
)
