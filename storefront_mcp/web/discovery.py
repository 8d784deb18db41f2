"""Published documents over HTTP: GET, HEAD, OPTIONS, 304, gzip and CORS, the same for each of them."""

from collections.abc import Iterable

from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, route

from storefront_mcp.web.document import CORS, METHODS, Document, accepts_gzip
from storefront_mcp.web.front import SITE
from storefront_mcp.web.site import Site

READS = [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS]


def discovery(paths: Iterable[str]) -> HTTPRouteHandler:
    """A route for every address that any document may have; which ones exist now is the site's word."""

    @route(sorted(paths), http_method=READS, sync_to_thread=False, include_in_schema=False)
    def publish(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
        site: Site = request.scope[SITE]  # type: ignore[typeddict-item]
        path = request.scope["path"].rstrip("/") or "/"
        resource = site.shown.resources.get(path)
        if resource is None:
            raise NotFoundException(detail=f"{site.store.name} publishes no {path}.")
        return answer(request, resource.chosen(field(request, "accept")))

    return publish


def field(request: Request, name: str) -> str | None:  # type: ignore[type-arg]
    """A header that is a list, whole: several lines of one name are one list (RFC 9110, 5.3)."""
    lines = request.headers.getall(name, [])
    return ", ".join(lines) if lines else None


def answer(request: Request, chosen: Document) -> Response[bytes]:  # type: ignore[type-arg]
    """A document as this request wants it."""
    if request.method == "OPTIONS":
        return Response(b"", status_code=204, headers={"allow": METHODS, **CORS})
    zipped = chosen.zipped is not None and accepts_gzip(field(request, "accept-encoding"))
    headers = chosen.headers(zipped=zipped)
    if chosen.matches(field(request, "if-none-match")):
        return Response(b"", status_code=304, headers=headers)
    # As a header, because the framework would add a second charset to a text type.
    headers["content-type"] = chosen.media_type
    if zipped:
        headers["content-encoding"] = "gzip"
    body = chosen.zipped if zipped and chosen.zipped is not None else chosen.body
    return Response(body, headers=headers)
