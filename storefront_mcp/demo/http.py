"""HTTP conventions of Maho's REST v2 on Litestar: negotiation, JSON bodies, collections, ETags, errors."""

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from litestar import Request, Response, route
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import Method
from msgspec import Struct

from storefront_mcp.demo.api_errors import ApiError, Json, bad_request, internal_error, not_found
from storefront_mcp.demo.currencies import AUD, CURRENCIES
from storefront_mcp.demo.state import DemoState

log: Final = logging.getLogger("storefront_mcp.demo")
PREFIX: Final = "/api/rest/v2"
LD_JSON: Final = "application/ld+json"
JSON: Final = "application/json"
VARY: Final = "Authorization, Accept, X-Store-Code, X-Currency-Code"
UNAUTHORIZED: Final = 401
UNSTORABLE_TEXT: Final = "????"
"""What 26.7.4 stores in place of a character of four bytes."""
DEFAULT_PAGE_SIZE: Final = 20
MAX_PAGE_SIZE: Final = 100
_VERBS: Final = ("GET", "POST", "PUT", "DELETE")
_GUEST_CART: Final = re.compile(rf"{PREFIX}/guest-carts/([^/]+)")
_MASKED_ID: Final = re.compile(r"[0-9a-f]{32}")


def endpoint(method: Method, path: str, *, shares_path: bool = False) -> Callable[[Any], HTTPRouteHandler]:
    """Declare a route of the API. HEAD is GET without a body; answers carry their own status.

    Each route also declares OPTIONS, which `read_call` rejects: a handler that Litestar adds for it costs as much
    start-up time as the route itself. `shares_path` leaves that to another method on the same path.
    """
    methods: list[Method] = [method] if shares_path else [method, "OPTIONS"]
    if method == "GET":
        methods.append("HEAD")
    return route(f"{PREFIX}{path}", http_method=methods, status_code=200)


def whole_number(text: str) -> int | None:
    """Parse an id of up to nine digits; None for anything else."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


class ResultPage(Struct, frozen=True):
    """The requested page of a result list."""

    number: int = 1
    """As requested, from 1."""
    last: int = 1
    offset: int = 0
    limit: int = 0


class ApiCall(Struct, frozen=True, kw_only=True):
    """Request context of a route handler (the dependency `call`), and builders of responses."""

    state: DemoState
    request: Request[Any, Any, Any]
    query: Mapping[str, str]
    """The last value of a repeated name, as in PHP."""
    body: Json
    """Empty for GET and DELETE, and for JSON that is no object."""
    currency: str
    wants_ld_json: bool

    @property
    def client(self) -> str:
        """The client's address, the key of rate limits."""
        client = self.request.scope.get("client")
        return client[0] if client else ""

    @property
    def computations(self) -> int:
        """How often this request computes the totals; place-order counts by itself."""
        return 1 if self.request.method in {"GET", "HEAD"} else 3

    @property
    def path(self) -> str:
        """Without a slash at its end."""
        return self.request.scope["path"]

    def page(self, total: int, *, default: int = DEFAULT_PAGE_SIZE, most: int = MAX_PAGE_SIZE) -> ResultPage:
        """Read `page` and `pageSize` (or `itemsPerPage`): a page below 1 is 1, one past the end shows the last."""
        size = whole_number(self.query.get("pageSize", self.query.get("itemsPerPage", "")))
        limit = min(size or default, most)
        last = max(1, -(-total // limit))
        number = max(1, whole_number(self.query.get("page", "")) or 1)
        return ResultPage(number, last, (min(number, last) - 1) * limit, limit)

    def resource(
        self, kind: str, content: Json, *, status: int = 200, public: bool = False, location: str | None = None
    ) -> ASGIResponse:
        """One resource; `kind` is its JSON-LD type, `public` lets shared caches keep it for an hour."""
        if self.wants_ld_json:
            content = {"@context": f"/api/contexts/{kind}", "@type": kind, **content}
        return self._answer(content, self._resource_headers(location), status=status, public=public)

    def collection(
        self,
        kind: str,
        members: list[Json],
        *,
        total: int | None = None,
        page: ResultPage = ResultPage(),  # noqa: B008 -- frozen
        public: bool = False,
    ) -> ASGIResponse:
        """A list, bare as plain JSON; as JSON-LD with the total on all pages (default: all are here) and links."""
        if not self.wants_ld_json:
            return self._answer(members, self._resource_headers(None), public=public)
        content: Json = {
            "@context": f"/api/contexts/{kind}",
            "@id": quote(self.path),
            "@type": "Collection",
            "totalItems": len(members) if total is None else total,
            "member": [{"@type": kind, **member} for member in members],
        }
        if (view := self._view(page)) is not None:
            content["view"] = view
        return self._answer(content, self._resource_headers(None), public=public)

    def bare(self, content: Any) -> ASGIResponse:  # noqa: ANN401 -- JSON
        """Content without a type: totals, rates, payment methods."""
        return self._answer(content, {"content-type": JSON})

    def empty(self, status: int = 204) -> ASGIResponse:
        """An answer without a body."""
        headers = self._resource_headers(None) | {"cache-control": "no-cache, private", "vary": "Accept"}
        del headers["content-type"]
        return ASGIResponse(status_code=status, headers=headers, media_type=JSON)

    def _resource_headers(self, location: str | None) -> dict[str, str]:
        headers = {
            "allow": ", ".join(["OPTIONS", "HEAD", *_methods(self.request)]),
            "content-type": f"{LD_JSON if self.wants_ld_json else JSON}; charset=utf-8",
        }
        return headers if location is None else headers | {"location": location}

    def _answer(
        self, content: object, headers: dict[str, str], *, status: int = 200, public: bool = False
    ) -> ASGIResponse:
        """Encode a response; a GET has an ETag, and 304 when If-None-Match has it."""
        body = msgspec.json.encode(content)
        if self.request.method not in {"GET", "HEAD"}:
            headers |= {"cache-control": "no-cache, private", "vary": "Accept"}
            return ASGIResponse(status_code=status, headers=headers, body=body)
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        if self.request.headers.get("if-none-match") == etag:
            headers = {"content-type": "text/html; charset=UTF-8", "cache-control": "no-cache, private"}
            return ASGIResponse(status_code=304, headers=headers | {"etag": etag, "vary": VARY})
        headers |= {
            "etag": etag,
            "cache-control": "max-age=3600, public" if public else "no-store, private",
            "vary": f"Origin, {VARY}" if public else VARY,
        }
        if self.request.method == "HEAD":
            headers["content-length"] = str(len(body))
            return ASGIResponse(status_code=status, headers=headers, is_head_response=True)
        return ASGIResponse(status_code=status, headers=headers, body=body)

    def _view(self, page: ResultPage) -> Json | None:
        """Links to the neighbours of a page; there are some only when there is more than one."""
        if not self.query and page.last <= 1:
            return None
        others = sorted((name, value) for name, value in self.query.items() if name != "page")

        def link(number: int | None) -> str:
            pairs = [*others, ("page", str(number))] if number is not None else others
            return quote(self.path) + (f"?{urlencode(pairs)}" if pairs else "")

        view: Json = {"@id": link(page.number if page.last > 1 else None), "@type": "PartialCollectionView"}
        if page.last > 1:
            view |= {"first": link(1), "last": link(page.last)}
            if page.number > 1:
                view["previous"] = link(page.number - 1)
            if page.number < page.last:
                view["next"] = link(page.number + 1)
        return view


InjectedCall: TypeAlias = NamedDependency[ApiCall]


def _methods(request: Request[Any, Any, Any]) -> list[str]:
    methods: list[str] = request.app.state.methods[request.scope["path_template"]]
    return methods


async def read_call(state: DemoState, request: Request[Any, Any, Any]) -> ApiCall:
    """Read store, currency, Accept and body of a request, in the order in which Maho checks them.

    Raises:
        ApiError: 404 for a malformed cart id, 400 for an unknown store or currency or broken JSON, 406, 415.
        MethodNotAllowedException: for OPTIONS.
    """
    path = request.scope["path"]
    if _has_malformed_cart_id(path):
        raise _no_route(state, request.method, path)
    if request.method == "OPTIONS":
        raise MethodNotAllowedException(headers={"allow": ", ".join(_methods(request))})
    query = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
    store = request.headers.get("x-store-code") or query.get("store") or "default"
    if store != "default":
        raise bad_request(f"Unknown store: {store}")
    older = state.rules.release == "26.7.4"
    currency = AUD.code if older else request.headers.get("x-currency-code") or AUD.code
    if currency not in CURRENCIES:
        raise bad_request(f"Currency not available for this store: {currency}")
    wants_ld_json = _negotiate(request.headers.get("accept", ""))
    body = {} if request.method in {"GET", "HEAD", "DELETE"} else await _read_json(request, storable_only=older)
    return ApiCall(state=state, request=request, query=query, body=body, currency=currency, wants_ld_json=wants_ld_json)


def _negotiate(accept: str) -> bool:
    """Whether JSON-LD is the answer's form (also for `*/*` and no Accept at all); 406 when it and JSON are refused."""
    ranges = [part.partition(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
    for media_range in ranges:
        if media_range in {LD_JSON, "*/*", "application/*"}:
            return True
        if media_range == JSON:
            return False
    if not ranges:
        return True
    offered = f'Supported MIME types are "{LD_JSON}", "{JSON}".'
    raise ApiError(406, "error", f'Requested format "{ranges[0]}" is not supported. {offered}')


async def _read_json(request: Request[Any, Any, Any], *, storable_only: bool) -> Json:
    """The body; `storable_only`: what cannot be stored is replaced, as by a connection that speaks utf8mb3."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not content_type:
        raise ApiError(415, "error", 'The "Content-Type" header must exist.')
    if content_type not in {JSON, LD_JSON}:
        raise ApiError(415, "error", f'The content-type "{content_type}" is not supported.')
    raw = await request.body()
    if storable_only:
        raw = re.sub(r"[^\x00-\uffff]", UNSTORABLE_TEXT, raw.decode(errors="replace")).encode()
    try:
        body = msgspec.json.decode(raw) if raw.strip() else {}
    except msgspec.DecodeError:
        raise bad_request("Invalid JSON in request body") from None
    return body if isinstance(body, dict) else {}


# --- requests without a handler -------------------------------------------------------------------------------------


def methods_of(declared: Iterable[str]) -> list[str]:
    """The methods that Maho names for a path, in its order."""
    return [verb for verb in _VERBS if verb in declared]


def _has_malformed_cart_id(path: str) -> bool:
    found = _GUEST_CART.match(path)
    return found is not None and _MASKED_ID.fullmatch(found[1]) is None


def _no_route(state: DemoState, method: str, path: str) -> ApiError:
    if not path.startswith(f"{PREFIX}/") or (method == "GET" and re.fullmatch(rf"{PREFIX}/guest-carts/\w+/?", path)):
        return not_found()
    return not_found(f'No route found for "{method} {state.base_url}{path}"')


def error_response(state: DemoState, request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Error response of an exception; a 401 has a challenge in place of `code`."""
    method, path = request.scope["method"], request.scope["path"]
    if isinstance(error, NotFoundException) or (isinstance(error, HTTPException) and _has_malformed_cart_id(path)):
        error = _no_route(state, method, path)
    elif isinstance(error, MethodNotAllowedException):
        known = ", ".join(methods_of((error.headers or {})["allow"].split(", ")))
        message = f'No route found for "{method} {state.base_url}{path}": Method Not Allowed (Allow: {known})'
        error = ApiError(405, "method_not_allowed", message)
    elif isinstance(error, HTTPException):
        error = ApiError(error.status_code, "error", error.detail)
    elif not isinstance(error, ApiError):
        log.error("%s %s failed", method, path, exc_info=error)
        error = internal_error()
    content: Json = {"error": error.error, "message": error.message}
    headers = {"cache-control": "no-cache, private"}
    if error.status == UNAUTHORIZED:
        headers["www-authenticate"] = (
            f'Bearer resource_metadata="{state.base_url}/.well-known/oauth-protected-resource"'
        )
    else:
        content["code"] = error.status
    body = msgspec.json.encode(content)
    if method == "HEAD":
        headers["content-length"], body = str(len(body)), b""
    return Response(body, status_code=error.status, headers=headers, media_type=JSON)
