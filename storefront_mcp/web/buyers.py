"""What every page for a buyer has in common: one dress, amounts as the shop writes them, and headers that keep secrets.

The address of such a page is its key, so nothing may carry it away: no script, no cache, no referrer, no search index.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from litestar import Request, Response

from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.store import Store
from storefront_mcp.payments.port import ProviderDown
from storefront_mcp.web.body import BodyRefused, read_body
from storefront_mcp.web.front import SITE
from storefront_mcp.web.site import Site

log: Final = logging.getLogger("storefront_mcp.web")
Found = TypeVar("Found")
HTML: Final = "text/html; charset=utf-8"
FIELDS: Final = 20
"""Form fields that are looked at; more is nobody's form of ours."""


class NotShown(Exception):
    """There is nothing to see; the person is told why by the status, and what to do."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = HTTPStatus(status)


class BuyerPages:
    """Dresses pages for buyers."""

    def __init__(self, hue: Callable[[Store], int]) -> None:
        """`hue` is the shop's own colour, in degrees."""
        self._hue = hue

    def page(
        self,
        template: str,
        store: Store,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        leads_to: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        **values: Any,  # noqa: ANN401 -- template values
    ) -> Response[bytes]:
        """A template filled in. `leads_to` are CSP sources that a form may be redirected to."""
        from storefront_mcp.web import printing  # noqa: PLC0415 -- large, and a server may never show a page

        style, digest = printing.style(self._hue(store))
        icon = store.icon or (store.url("/favicon.svg") if store.root_documents else None)
        text = printing.filled_in(template, store, style=style, icon=icon, **values)
        private = private_headers(store, digest=digest, icon=icon, leads_to=leads_to)
        return Response(text.encode(), status_code=status, headers={**private, **(headers or {})})

    def told(self, request: Request[Any, Any, Any], error: NotShown) -> Response[bytes]:
        """The page for NotShown, as Litestar's exception handler."""
        site: Site = request.scope[SITE]  # type: ignore[typeddict-item]
        back = None if error.status == HTTPStatus.NOT_FOUND else address(request)
        wait = {"retry-after": "60"} if error.status == HTTPStatus.SERVICE_UNAVAILABLE else None
        return self.page(
            "told.html.j2", site.store, status=error.status, headers=wait, problem=int(error.status), back=back
        )


def private_headers(store: Store, *, digest: str, icon: str | None, leads_to: Sequence[str]) -> dict[str, str]:
    """Headers of a page whose address is a secret.

    Browsers apply `form-action` to the redirect that follows a form as well (CSP 3, 4.2.5 "pre-navigation check"), so
    where a form leads in the end has to be named too.
    """
    images = "'self'" if icon is None else f"'self' {_origin(icon)}"
    forms = " ".join(("'self'", store.origin, *leads_to))
    policy = (
        f"default-src 'none'; style-src '{digest}'; img-src {images}; form-action {forms}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "content-type": HTML,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow",
        "content-security-policy": policy,
    }


def see(address: str) -> Response[bytes]:
    """303: look there, with GET."""
    headers = {"location": address, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return Response(b"", status_code=303, headers=headers)


def address(request: Request[Any, Any, Any]) -> str:
    """The address of the page that is asked for, without its query."""
    return quote(request.scope["path"])


async def asked(question: Awaitable[Found]) -> Found:
    """An answer of those who know. Raises NotShown when there is none; what is logged holds no secret."""
    try:
        return await question
    except (ProviderDown, ShopError) as error:
        log.warning("a buyer could not be served: %s", getattr(error, "internal", error))
        raise NotShown(HTTPStatus.SERVICE_UNAVAILABLE) from error
    except Exception as error:
        log.exception("a buyer's page failed")
        raise NotShown(HTTPStatus.INTERNAL_SERVER_ERROR) from error


async def form(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The fields of our own form, URL-encoded. Raises NotShown for a foreign or a broken one."""
    if not _own(request):
        raise NotShown(HTTPStatus.FORBIDDEN)
    try:
        body = await read_body(list(request.scope["headers"]), request.receive)
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS))
    except BodyRefused as refused:
        raise NotShown(refused.status or HTTPStatus.BAD_REQUEST) from None
    except ValueError:
        raise NotShown(HTTPStatus.BAD_REQUEST) from None


def _own(request: Request[Any, Any, Any]) -> bool:
    """Whether a page of this origin sent the form, as far as the browser tells.

    `Sec-Fetch-Site` knows. Browsers without it send an Origin, and since our pages send no referrer it is `null` for
    their forms (Fetch, "append a request Origin header"); who does not tell either has typed the secret address.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin", "null")
    return origin == "null" or _host(origin) == request.headers.get("host", "").strip().lower()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
