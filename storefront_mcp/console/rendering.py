"""Rendering of console pages: Jinja templates, static assets, security headers and redirects."""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from litestar import Response
from msgspec import Struct

from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.origins import origin_of
from storefront_mcp.commerce.store import Store
from storefront_mcp.web.buyer_pages import HTML
from storefront_mcp.web.site import StoreSite

if TYPE_CHECKING:
    import jinja2

    from storefront_mcp.web.formatting import FormattedTime

HTMX_CONFIG: Final = (
    '{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"historyEnabled":false,'
    '"responseHandling":[{"code":"2..","swap":true},{"code":"...","swap":false}]}'
)
"""htmx configuration: no inline style, no eval, no page history in the browser."""


class StaticAsset(Struct, frozen=True, kw_only=True):
    """A file that pages refer to."""

    body: bytes
    media_type: str


class ConsoleRenderer:
    """Renders the console's pages and assets."""

    def __init__(self, hue: Callable[[Store], int]) -> None:
        """`hue` gives a store's brand colour, in degrees."""
        self._hue = hue

    def page(
        self,
        template: str,
        site: StoreSite,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        **values: Any,  # noqa: ANN401 -- template values
    ) -> Response[bytes]:
        """A template as a response."""
        store = site.store
        icon = store.icon or (store.url("/favicon.svg") if store.root_documents else None)
        version = hashlib.sha256(_style_sheet(self._hue(store))).hexdigest()[:12]
        shown = {"icon": icon, "htmx": HTMX_CONFIG, "style_version": version}
        body = _render(template, store, shown | values)
        return Response(body, status_code=status, headers={**private_headers(icon), **(headers or {})})

    def asset(self, name: str, store: Store) -> StaticAsset | None:
        """A static asset by its file name; None where there is none."""
        if name == "console.css":
            return StaticAsset(body=_style_sheet(self._hue(store)), media_type="text/css; charset=utf-8")
        if name in {"htmx.min.js", "console.js"}:
            return StaticAsset(body=_file(name), media_type="text/javascript; charset=utf-8")
        return None


def private_headers(icon: str | None) -> dict[str, str]:
    """Security headers of everything behind the login; `icon` is an image URL that the page may load."""
    images = "'self'" if icon is None else f"'self' {origin_of(icon)}"
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "content-type": HTML,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow",
        "cross-origin-opener-policy": "same-origin",
        "content-security-policy": policy,
    }


@cache
def _environment() -> "jinja2.Environment":
    """The environment of buyer pages, with the console's own templates before theirs."""
    import jinja2  # noqa: PLC0415 -- large, and most workers never show a page

    from storefront_mcp.web import formatting  # noqa: PLC0415 -- the same

    return formatting.ENVIRONMENT.overlay(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader("storefront_mcp.console", "templates"), formatting.LOADER])
    )


def _render(template: str, store: Store, values: dict[str, Any]) -> bytes:
    """A page, or a part of one. Templates may say `money(amount)` and `when(instant)`."""
    shown = {"store": store, "when": _format_instant, "money": lambda amount: _format_money(amount, store)}
    return _environment().get_template(template).render(shown | values).encode()


def _format_instant(at: dt.datetime | float | str) -> "FormattedTime":
    """An instant for people: from a datetime, Unix seconds, or an audit timestamp."""
    from storefront_mcp.web.formatting import format_moment  # noqa: PLC0415 -- as above

    if isinstance(at, str):
        at = dt.datetime.fromisoformat(at)
    return format_moment(int(at.timestamp() if isinstance(at, dt.datetime) else at))


def _format_money(amount: Money, store: Store) -> str:
    from storefront_mcp.web.formatting import format_money  # noqa: PLC0415 -- as above

    return format_money(amount, store.locale)


@cache
def _style_sheet(hue: int) -> bytes:
    return _environment().get_template("console.css.j2").render(hue=hue).encode()


@cache
def _file(name: str) -> bytes:
    return files(__package__).joinpath("static", name).read_bytes()
