"""Pages for buyers: rendering, error pages, forms and private headers.

The address of such a page is a credential: no script, no cache, no referrer, no search index.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote

from litestar import Request, Response

from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.origins import origin_of
from storefront_mcp.commerce.store import Store
from storefront_mcp.payments.provider import ProviderDown
from storefront_mcp.web.forms import FormFields, FormRejected, is_same_origin, read_form
from storefront_mcp.web.host_router import site_of

log: Final = logging.getLogger("storefront_mcp.web")
T = TypeVar("T")
HTML: Final = "text/html; charset=utf-8"
MAX_FIELDS: Final = 20
"""Fields of a form; ours have fewer."""


class PageUnavailable(Exception):
    """The page cannot be shown; its error page explains the status and what to do."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = HTTPStatus(status)


class BuyerPages:
    """Renders pages for buyers."""

    def __init__(self, hue: Callable[[Store], int], *, test_stores: Collection[StoreId] = ()) -> None:
        """`hue` is the hue of the shop's brand colour, in degrees; at `test_stores` no money moves."""
        self._hue = hue
        self._test_stores = test_stores

    def page(
        self,
        template: str,
        store: Store,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        form_targets: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        **values: Any,  # noqa: ANN401 -- template values
    ) -> Response[bytes]:
        """A rendered template. `form_targets` are CSP sources that a form may be redirected to."""
        from storefront_mcp.web import formatting  # noqa: PLC0415 -- large, and a server may never show a page

        style, digest = formatting.style(self._hue(store))
        icon = store.icon or (store.url("/favicon.svg") if store.root_documents else None)
        test = store.id in self._test_stores
        text = formatting.render_template(template, store, style=style, icon=icon, test=test, **values)
        private = private_headers(store, digest=digest, icon=icon, form_targets=form_targets)
        return Response(text.encode(), status_code=status, headers={**private, **(headers or {})})

    def error_page(self, request: Request[Any, Any, Any], error: PageUnavailable) -> Response[bytes]:
        """The page for PageUnavailable, as Litestar's exception handler."""
        back = None if error.status == HTTPStatus.NOT_FOUND else page_address(request, query=True)
        wait = {"retry-after": "60"} if error.status == HTTPStatus.SERVICE_UNAVAILABLE else None
        return self.page(
            "told.html.j2",
            site_of(request).store,
            status=error.status,
            headers=wait,
            problem=int(error.status),
            back=back,
        )


def private_headers(store: Store, *, digest: str, icon: str | None, form_targets: Sequence[str]) -> dict[str, str]:
    """Headers of a page whose address is a secret.

    Browsers apply `form-action` also to the redirect that follows a form (CSP 3 §4.2.5 "pre-navigation check").
    """
    images = "'self'" if icon is None else f"'self' {origin_of(icon)}"
    forms = " ".join(("'self'", store.origin, *form_targets))
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


def page_address(request: Request[Any, Any, Any], *, query: bool = False) -> str:
    """The path of the requested page, and its query if that is wanted."""
    path, asked = quote(request.scope["path"]), request.scope["query_string"].decode("latin-1")
    return f"{path}?{asked}" if query and asked else path


async def call_or_unavailable(call: Awaitable[T]) -> T:
    """Await a result. Raises PageUnavailable: 503 when shop or provider fail, else 500; logs no secret."""
    try:
        return await call
    except PageUnavailable:
        raise
    except (ProviderDown, ShopError) as error:
        log.warning("a buyer could not be served: %s", getattr(error, "internal", error))
        raise PageUnavailable(HTTPStatus.SERVICE_UNAVAILABLE) from error
    except Exception as error:
        log.exception("a buyer's page failed")
        raise PageUnavailable(HTTPStatus.INTERNAL_SERVER_ERROR) from error


async def read_fields(request: Request[Any, Any, Any]) -> FormFields:
    """The fields of our own form. Raises PageUnavailable for a form of another origin or a malformed one."""
    if not is_same_origin(request):
        raise PageUnavailable(HTTPStatus.FORBIDDEN)
    try:
        return await read_form(request, max_fields=MAX_FIELDS)
    except FormRejected as rejected:
        raise PageUnavailable(rejected.status) from None
