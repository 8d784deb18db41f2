"""Requests that only who holds a scope may send: the caller, and the JSON that came with it."""

from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from litestar import Request

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.scopes import has_scope
from storefront_mcp.web.authentication import BearerAuthenticator, HttpRejection, rejection_response
from storefront_mcp.web.body import BodyRefused, first_of_each, read_body
from storefront_mcp.web.cors import is_origin_allowed
from storefront_mcp.web.site import StoreSite

T = TypeVar("T")

REJECTED: Final[dict[int | type[Exception], Any]] = {HttpRejection: rejection_response}
"""Exception handlers of these routes."""


async def authorized_caller(
    request: Request[Any, Any, Any], site: StoreSite, authenticator: BearerAuthenticator, scope: str
) -> Caller:
    """The caller, who holds the scope. Raises HttpRejection: 401, 403, 429, 503."""
    headers = list(request.scope["headers"])
    origin = first_of_each(headers).get(b"origin")
    if origin is not None and not is_origin_allowed(origin.decode("latin-1").strip(), site.store):
        raise HttpRejection(HTTPStatus.FORBIDDEN, "Pages of that origin may not ask for this.")
    caller = await authenticator.authenticate_unsigned(headers, request.scope["query_string"], request.scope["client"])
    if not has_scope(caller, scope):
        raise authenticator.insufficient_scope(scope, caller)
    return caller


async def read_json(request: Request[Any, Any, Any], kind: type[T], problem: str) -> T | None:
    """The decoded body; None for an empty one.

    `problem` says what an unreadable one is not, without a period. Raises HttpRejection: 400, 408, 413, 415.
    """
    headers = list(request.scope["headers"])
    try:
        body = await read_body(headers, request.receive)
    except BodyRefused as refused:
        raise HttpRejection(refused.status or HTTPStatus.BAD_REQUEST, str(refused)) from None
    if not body.strip():
        return None
    sent = first_of_each(headers).get(b"content-type", b"").split(b";")[0].strip().lower()
    if sent != b"application/json":
        raise HttpRejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json, or nothing.")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpRejection(HTTPStatus.BAD_REQUEST, f"{problem}: {error}") from None
