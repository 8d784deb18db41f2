"""Requests and answers of the demo shop: media types, the collection envelope, ETag, and the one error shape."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from msgspec import Struct

PREFIX: Final = "/api/rest/v2"
LD_JSON: Final = "application/ld+json"
JSON: Final = "application/json"
VARY: Final = "Authorization, Accept, X-Store-Code, X-Currency-Code"


Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Json = dict[str, Any]


class Refused(Exception):
    """The shop says no: an HTTP status, Maho's snake-case code and a message."""

    def __init__(self, status: int, error: str, message: str) -> None:
        """Keep what the answer needs; `message` is sent as it is."""
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message


def bad_request(message: str) -> Refused:
    """400 with Maho's general code."""
    return Refused(400, "bad_request", message)


def not_found(message: str = "Not Found") -> Refused:
    """404."""
    return Refused(404, "not_found", message)


class Request(Struct, frozen=True, kw_only=True):
    """One call as the routes see it: negotiated, and with its JSON body read."""

    method: str
    path: str
    """Without the prefix: `/products/2`."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Json
    client: str
    """The caller's address, which the rate limits count."""
    currency: str
    linked: bool
    """JSON-LD was negotiated."""
    breaks: bool = False
    """Whether the shop breaks once the money is taken, before there is an order."""


class Answer(Struct, frozen=True, kw_only=True):
    """What a route gives back; `None` as content is an empty body."""

    content: Any = None
    status: int = 200
    kind: str | None = None
    """The JSON-LD type; a bare answer (plain lists, totals) has none."""
    total: int | None = None
    """Set on a collection: the number of items on all pages."""
    view: Json | None = None
    public: bool = False
    """May be kept by shared caches for an hour."""
    location: str | None = None


class Reply(Struct, frozen=True, kw_only=True):
    """Bytes on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


def header_map(scope: Scope) -> dict[str, str]:
    """ASGI's byte pairs as text, names in lower case."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}


def query_map(scope: Scope) -> dict[str, str]:
    """The query string; the last of a repeated name wins, as in PHP."""
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))


def wants_linked(accept: str) -> bool:
    """Whether the caller gets JSON-LD (also for `*/*` and no Accept at all); 406 when it takes neither form."""
    ranges = [part.partition(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
    for wanted in ranges:
        if wanted in {LD_JSON, "*/*", "application/*"}:
            return True
        if wanted == JSON:
            return False
    if not ranges:
        return True
    offered = f'Supported MIME types are "{LD_JSON}", "{JSON}".'
    raise Refused(406, "error", f'Requested format "{ranges[0]}" is not supported. {offered}')


def read_json(method: str, headers: Mapping[str, str], raw: bytes) -> Json:
    """The body of a POST or PUT as an object: 415 without a Content-Type or with a foreign one, 400 when broken."""
    if method not in {"POST", "PUT", "PATCH"}:
        return {}
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not content_type:
        raise Refused(415, "error", 'The "Content-Type" header must exist.')
    if content_type not in {JSON, LD_JSON}:
        raise Refused(415, "error", f'The content-type "{content_type}" is not supported.')
    if not raw.strip():
        return {}
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        raise bad_request("Invalid JSON in request body") from None
    return body if isinstance(body, dict) else {}


def error_reply(refused: Refused, base_url: str) -> Reply:
    """The one error shape: `{"error", "message", "code"}`; a 401 carries a challenge and no code."""
    content: Json = {"error": refused.error, "message": refused.message}
    headers = {"content-type": JSON, "cache-control": "no-cache, private"}
    if refused.status == 401:  # noqa: PLR2004
        headers["www-authenticate"] = f'Bearer resource_metadata="{base_url}/.well-known/oauth-protected-resource"'
    else:
        content["code"] = refused.status
    return Reply(status=refused.status, headers=headers, body=msgspec.json.encode(content))


def _linked_content(path: str, answer: Answer) -> Any:  # noqa: ANN401 - JSON
    context = {"@context": f"/api/contexts/{answer.kind}"}
    if answer.total is None:
        return {**context, "@type": answer.kind, **answer.content}
    members = [{"@type": answer.kind, **member} for member in answer.content]
    envelope = {"@id": PREFIX + quote(path), "@type": "Collection", "totalItems": answer.total, "member": members}
    if answer.view is not None:
        envelope["view"] = answer.view
    return {**context, **envelope}


def reply_to(request: Request, answer: Answer, allow: str) -> Reply:
    """Write an answer down; a GET gets an ETag, and 304 when the caller already has it."""
    reading = request.method in {"GET", "HEAD"}
    headers = {"cache-control": "no-cache, private", "vary": VARY if reading else "Accept"}
    if answer.location is not None:
        headers["location"] = answer.location
    if answer.kind is not None or answer.content is None:
        headers["allow"] = allow
    if answer.content is None:
        return Reply(status=answer.status, headers=headers)
    if answer.kind is None:
        headers["content-type"] = JSON
        content = answer.content
    else:
        headers["content-type"] = f"{LD_JSON if request.linked else JSON}; charset=utf-8"
        content = _linked_content(request.path, answer) if request.linked else answer.content
    body = msgspec.json.encode(content)
    if reading:
        headers["etag"] = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        if request.headers.get("if-none-match") == headers["etag"]:
            gone = {"content-type": "text/html; charset=UTF-8", "etag": headers["etag"]}
            return Reply(status=304, headers={**gone, "cache-control": "no-cache, private", "vary": VARY})
        headers["cache-control"] = "max-age=3600, public" if answer.public else "no-store, private"
        headers["vary"] = f"Origin, {VARY}" if answer.public else VARY
    return Reply(status=answer.status, headers=headers, body=body)


def whole_number(text: str) -> int | None:
    """An id out of a path or a query; None when it is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def page_view(request: Request, page: int, last: int) -> Json | None:
    """The `view` of a collection: neighbours exist only when there is more than one page."""
    if not request.query and last <= 1:
        return None
    others = sorted((name, value) for name, value in request.query.items() if name != "page")

    def link(number: int | None) -> str:
        pairs = [*others, ("page", str(number))] if number is not None else others
        return PREFIX + quote(request.path) + (f"?{urlencode(pairs)}" if pairs else "")

    view: Json = {"@id": link(page if last > 1 else None), "@type": "PartialCollectionView"}
    if last > 1:
        view |= {"first": link(1), "last": link(last)}
        if page > 1:
            view["previous"] = link(page - 1)
        if page < last:
            view["next"] = link(page + 1)
    return view
