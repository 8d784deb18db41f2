"""The Jinja environment of the site documents, with their filters and shared values."""

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from storefront_mcp.cards.site import roadmap_view
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

if TYPE_CHECKING:
    import jinja2

MARKDOWN_MARKS: Final = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>#|"})


def _plain(text: str) -> str:
    """Escape foreign text for Markdown, on one line."""
    return " ".join(text.split()).translate(MARKDOWN_MARKS)


def _cell(text: str) -> str:
    """Escape Markdown for a table cell, on one line."""
    return " ".join(text.split()).replace("|", "\\|")


@cache
def _environment() -> "jinja2.Environment":
    import jinja2  # noqa: PLC0415 -- large, and a server may never be asked for a document that needs it

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("storefront_mcp.cards.site"),
        autoescape=jinja2.select_autoescape(("html.j2", "xml.j2")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": _plain, "cell": _cell, "page_title": roadmap_view.page_title}
    return environment


def render_template(template: str, store: Store, roadmap: Roadmap | None, **more: Any) -> bytes:  # noqa: ANN401 -- template values
    """Render a template as UTF-8. HTML and XML are escaped automatically, Markdown by `|plain`."""
    known = (
        {}
        if roadmap is None
        else {
            "roadmap": roadmap,
            "phases": roadmap_view.phases(roadmap),
            "summary": roadmap_view.roadmap_summary(store, roadmap),
            "opening_day": roadmap_view.opening_day(store, roadmap),
        }
    )
    return _environment().get_template(template).render(store=store, **known, **more).encode()


def trusted_html(html: str) -> Markup:
    """Mark HTML that is already sanitised as safe."""
    return Markup(html)  # noqa: S704 -- the caller sanitised it
