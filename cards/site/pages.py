"""The shell around the shop's own pages (shipping, returns, privacy policy), as HTML and as Markdown."""

from typing import Final

from storefront_mcp.cards.site.templating import render_template, trusted_html
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

MAX_DESCRIPTION_CHARS: Final = 155
"""What search engines show of a description."""


def render_page(store: Store, roadmap: Roadmap, title: str, html: str, *, identifier: str | None = None) -> bytes:
    """A whole HTML page around `html`, which must already be clean; with an identifier it names its own address."""
    body = trusted_html(html)
    # Where one element ends and another begins is the end of a word.
    description = _first_words(trusted_html(html.replace("<", " <")).striptags()) or f"{title} at {store.name}"
    return render_template(
        "page.html.j2", store, roadmap, title=title, body=body, identifier=identifier, description=description
    )


def _first_words(text: str) -> str:
    """As many whole words from the beginning as a description has room for."""
    if len(text) <= MAX_DESCRIPTION_CHARS:
        return text
    return f"{text[:MAX_DESCRIPTION_CHARS].rpartition(' ')[0] or text[: MAX_DESCRIPTION_CHARS - 1]}…"


def render_page_markdown(store: Store, title: str, markdown: str) -> bytes:
    """The same page as Markdown, under its title and the pointer to llms.txt."""
    return render_template("page.md.j2", store, None, title=title, body=markdown.strip())
