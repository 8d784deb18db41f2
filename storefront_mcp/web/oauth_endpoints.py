"""`/oauth/token`, `/oauth/register` and `/oauth/revoke`: what clients ask the authorization server without a person."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, route

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.oauth.errors import EndpointRefusal, TooManyRegistrations
from storefront_mcp.oauth.paths import REGISTER_PATH, REVOKE_PATH, TOKEN_PATH
from storefront_mcp.oauth.server import AuthorizationServer
from storefront_mcp.oauth.token_requests import FormParameters, form_parameters
from storefront_mcp.web.body import BodyRefused, first_of_each, read_body
from storefront_mcp.web.host_router import site_of

OAUTH_HEADERS: Final = {"cache-control": "no-store", "pragma": "no-cache", "access-control-allow-origin": "*"}
"""Pages of any origin may ask: no cookie counts here, and whoever has a code or token may use it."""
AUTHORIZATION: Final = b"authorization"
PREFLIGHT_HEADERS: Final = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "Content-Type, MCP-Protocol-Version, Authorization",
    "access-control-max-age": "7200",
}

Answer = Callable[[AuthorizationServer, Request[Any, Any, Any]], Awaitable[Response[bytes]]]


class OAuthEndpoints:
    """The endpoints of the stores that sign customers in."""

    def __init__(
        self,
        servers: Mapping[StoreId, AuthorizationServer],
        address_of: Callable[[StoreId, Request[Any, Any, Any]], str],
    ) -> None:
        """`address_of` gives the network address of a request, empty where it is not known."""
        self._servers = servers
        self._address_of = address_of

    def routes(self) -> list[HTTPRouteHandler]:
        """POST, and OPTIONS for browsers, of each endpoint."""
        return [
            self._handler(path, answer)
            for path, answer in ((TOKEN_PATH, _token), (REVOKE_PATH, _revoke), (REGISTER_PATH, self._register))
        ]

    def _handler(self, path: str, answer: Answer) -> HTTPRouteHandler:
        @route(path, http_method=[HttpMethod.POST, HttpMethod.OPTIONS], include_in_schema=False)
        async def respond(request: Request[Any, Any, Any]) -> Response[bytes]:
            server = self._server(request)
            if request.method == HttpMethod.OPTIONS:
                return Response(b"", status_code=HTTPStatus.NO_CONTENT, headers=PREFLIGHT_HEADERS)
            return await _respond(server, request, answer)

        return respond

    async def _register(self, server: AuthorizationServer, request: Request[Any, Any, Any]) -> Response[bytes]:
        if not server.open:
            raise NotFoundException(detail="Nobody can sign in here at present, so there is nothing to register for.")
        body = await read_body(list(request.scope["headers"]), request.receive)
        address = self._address_of(site_of(request).store.id, request)
        return _json(msgspec.json.encode(await server.register(body, address=address)), HTTPStatus.CREATED)

    def _server(self, request: Request[Any, Any, Any]) -> AuthorizationServer:
        site = site_of(request)
        server = self._servers.get(site.store.id)
        if server is None:
            raise NotFoundException(detail=f"{site.store.name} signs nobody in here.")
        return server


async def _respond(server: AuthorizationServer, request: Request[Any, Any, Any], answer: Answer) -> Response[bytes]:
    """The answer, or an error as JSON: clients read nothing else."""
    try:
        return await answer(server, request)
    except EndpointRefusal as refused:
        told = _json(_error(refused.code, str(refused)), refused.status)
        if refused.code == "invalid_client" and AUTHORIZATION.decode() in request.headers:
            # RFC 6749 §5.2.
            told.set_header("www-authenticate", f'Basic realm="{site_of(request).store.origin}"')
        return told
    except ShopBusy as busy:
        # The database takes no writes now: what was brought can be brought again.
        return _come_again(HTTPStatus.SERVICE_UNAVAILABLE, busy.retry_after)
    except TooManyRegistrations as limited:
        return _come_again(HTTPStatus.TOO_MANY_REQUESTS, limited.retry_after)
    except BodyRefused as refused:
        return _json(_error("invalid_request", str(refused)), refused.status or HTTPStatus.BAD_REQUEST)


def _come_again(status: HTTPStatus, seconds: int) -> Response[bytes]:
    answer = _json(_error("temporarily_unavailable", f"Try again in {seconds} seconds."), status)
    answer.set_header("retry-after", str(seconds))
    return answer


def _error(code: str, detail: str) -> bytes:
    return msgspec.json.encode({"error": code, "error_description": detail})


async def _token(server: AuthorizationServer, request: Request[Any, Any, Any]) -> Response[bytes]:
    return _json(await server.token(await _form(request)))


async def _revoke(server: AuthorizationServer, request: Request[Any, Any, Any]) -> Response[bytes]:
    await server.revoke(await _form(request))
    return _json(b"{}")


async def _form(request: Request[Any, Any, Any]) -> FormParameters:
    """Raises EndpointRefusal and BodyRefused."""
    headers = list(request.scope["headers"])
    body = await read_body(headers, request.receive)
    fields = first_of_each(headers)
    content_type, authorization = (fields.get(name, b"").decode("latin-1") for name in (b"content-type", AUTHORIZATION))
    return form_parameters(content_type, body, authorization)


def _json(body: bytes, status: int = HTTPStatus.OK) -> Response[bytes]:
    return Response(body, status_code=status, media_type="application/json", headers=OAUTH_HEADERS)
