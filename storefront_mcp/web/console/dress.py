"""How the console looks: one dress with the page on which people pay, and headers that keep everything inside."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Response
from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.web.buyers import HTML
from storefront_mcp.web.site import Site

HTMX: Final = (
    '{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"historyEnabled":false,'
    '"responseHandling":[{"code":"2..","swap":true},{"code":"...","swap":false}]}'
)
"""No inline style, no evaluated text, and nothing of a page kept in the browser."""


class Asset(Struct, frozen=True, kw_only=True):
    """A file that pages refer to."""

    body: bytes
    media_type: str


class Dress:
    """Dresses the console's pages."""

    def __init__(self, hue: Callable[[Store], int]) -> None:
        """`hue` is the shop's own colour, in degrees."""
        self._hue = hue

    def page(
        self,
        template: str,
        site: Site,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        **values: Any,  # noqa: ANN401 -- template values
    ) -> Response[bytes]:
        """A template filled in."""
        from storefront_mcp.web.console import filling  # noqa: PLC0415 -- large, and a server may never show a page

        store = site.store
        icon = store.icon or (store.url("/favicon.svg") if store.root_documents else None)
        version = hashlib.sha256(filling.style(self._hue(store))).hexdigest()[:12]
        shown = {"icon": icon, "htmx": HTMX, "style_version": version}
        body = filling.filled_in(template, store, shown | values)
        return Response(body, status_code=status, headers={**private(icon), **(headers or {})})

    def asset(self, name: str, store: Store) -> Asset | None:
        """A file that pages refer to, by its name."""
        if name == "console.css":
            from storefront_mcp.web.console import filling  # noqa: PLC0415 -- as above

            return Asset(body=filling.style(self._hue(store)), media_type="text/css; charset=utf-8")
        if name in {"htmx.min.js", "console.js"}:
            return Asset(body=_file(name), media_type="text/javascript; charset=utf-8")
        return None


def private(icon: str | None) -> dict[str, str]:
    """Headers of everything that only operators see."""
    images = "'self'" if icon is None else f"'self' {urlsplit(icon).scheme}://{urlsplit(icon).netloc}"
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


def see(address: str, **headers: str) -> Response[bytes]:
    """303: look there, with GET."""
    fields = {"location": address, "cache-control": "no-store", "referrer-policy": "no-referrer", **headers}
    return Response(b"", status_code=HTTPStatus.SEE_OTHER, headers=fields)


@cache
def _file(name: str) -> bytes:
    return files(__package__).joinpath("static", name).read_bytes()
