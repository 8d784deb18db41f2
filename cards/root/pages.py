"""The shell around the shop's own pages (shipping, returns, privacy policy), as HTML and as Markdown."""

from cards.root.rendering import rendered, trusted
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap


def render_page(store: Store, roadmap: Roadmap, title: str, html: str, *, identifier: str | None = None) -> bytes:
    """A whole HTML page around `html`, which must already be clean; with an identifier it names its own address."""
    return rendered("page.html.j2", store, roadmap, title=title, body=trusted(html), identifier=identifier)


def render_page_markdown(store: Store, title: str, markdown: str) -> bytes:
    """The same page as Markdown, under its title and the pointer to llms.txt."""
    return rendered("page.md.j2", store, None, title=title, body=markdown.strip())
