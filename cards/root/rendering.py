"""One Jinja environment for every template of this room, and what all templates may say."""

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from cards.root import shown
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

if TYPE_CHECKING:
    import jinja2

MARKDOWN_MARKS: Final = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>#|"})


def _plain(text: str) -> str:
    """Somebody's words inside Markdown: one line, and nothing in them is markup."""
    return " ".join(text.split()).translate(MARKDOWN_MARKS)


def _cell(text: str) -> str:
    """Our own Markdown inside a table: one line, and no bar ends the cell."""
    return " ".join(text.split()).replace("|", "\\|")


@cache
def _environment() -> "jinja2.Environment":
    import jinja2  # noqa: PLC0415 -- large, and a server may never be asked for a document that needs it

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cards.root"),
        autoescape=jinja2.select_autoescape(("html.j2", "xml.j2")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": _plain, "cell": _cell, "page_title": shown.page_title}
    return environment


def rendered(template: str, store: Store, roadmap: Roadmap | None, **more: Any) -> bytes:  # noqa: ANN401 -- template values
    """A template filled in, as UTF-8. HTML and XML escape by themselves; `|plain` does it for Markdown."""
    known = (
        {}
        if roadmap is None
        else {
            "roadmap": roadmap,
            "phases": shown.phases(roadmap),
            "summary": shown.summary(store, roadmap),
            "opening_day": shown.opening_day(store, roadmap),
        }
    )
    return _environment().get_template(template).render(store=store, **known, **more).encode()


def trusted(html: str) -> Markup:
    """HTML that was cleaned before it came here."""
    return Markup(html)  # noqa: S704 -- the caller sanitised it
