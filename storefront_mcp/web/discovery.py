"""Published documents over HTTP: GET, HEAD, OPTIONS, 304, gzip and CORS, the same for each of them."""

from collections.abc import Iterable

from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, route

from storefront_mcp.web.document import ALLOWED_METHODS, CORS_HEADERS, DocumentRepresentation, accepts_gzip
from storefront_mcp.web.host_router import site_of

READ_METHODS = [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS]


def discovery_routes(paths: Iterable[str]) -> HTTPRouteHandler:
    """A route for every path that a document may have; the site's snapshot says which exist now."""

    @route(sorted(paths), http_method=READ_METHODS, sync_to_thread=False, include_in_schema=False)
    def publish(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
        site = site_of(request)
        path = request.scope["path"].rstrip("/") or "/"
        resource = site.shown.resources.get(path)
        if resource is None:
            raise NotFoundException(detail=f"{site.store.name} publishes no {path}.")
        return document_response(request, resource.choose(header_field(request, "accept")))

    return publish


def header_field(request: Request, name: str) -> str | None:  # type: ignore[type-arg]
    """A list header: several lines of one name are one list (RFC 9110 §5.3)."""
    lines = request.headers.getall(name, [])
    return ", ".join(lines) if lines else None


def document_response(request: Request, chosen: DocumentRepresentation) -> Response[bytes]:  # type: ignore[type-arg]
    """The response with a document: 200, 304, or the answer to OPTIONS."""
    if request.method == "OPTIONS":
        return Response(b"", status_code=204, headers={"allow": ALLOWED_METHODS, **CORS_HEADERS})
    zipped = chosen.zipped is not None and accepts_gzip(header_field(request, "accept-encoding"))
    headers = chosen.headers(zipped=zipped)
    if chosen.matches(header_field(request, "if-none-match")):
        return Response(b"", status_code=304, headers=headers)
    # As a header, because the framework would add a second charset to a text type.
    headers["content-type"] = chosen.media_type
    if zipped:
        headers["content-encoding"] = "gzip"
    body = chosen.zipped if zipped and chosen.zipped is not None else chosen.body
    return Response(body, headers=headers)
