"""`/mcp/token`: callers with the scope `manage:api_keys` issue, list and revoke API keys of their store."""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, delete, get, post
from msgspec import Meta, Struct

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.credentials import (
    DEFAULT_KEY_LIFETIME,
    MAX_KEY_LIFETIME,
    MAX_LABEL_CHARS,
    ApiKeyRepository,
    KeyIssuer,
    NoSuchKey,
    StoredKey,
    key_view,
)
from storefront_mcp.access.scopes import (
    MERCHANT_API_SCOPES,
    UnknownScopes,
    has_scope,
    may_grant,
    parse_scopes,
    sorted_scopes,
)
from storefront_mcp.calls.errors import ScopeMissing
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.web.authentication import BearerAuthenticator, HttpRejection
from storefront_mcp.web.host_router import site_of
from storefront_mcp.web.operator_requests import REJECTED, authorized_caller, read_json
from storefront_mcp.web.site import StoreSite

REQUIRED_SCOPE: Final = "manage:api_keys"
KEYS_PATH: Final = "/mcp/token"
LABEL_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"
"""No control characters: keys are listed on terminals."""


class KeyRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The key to issue; every field may be left out."""

    label: Annotated[str, Meta(min_length=1, max_length=MAX_LABEL_CHARS, pattern=LABEL_PATTERN)] = "minted over HTTP"
    scopes: tuple[str, ...] | None = None
    """Scopes or names of sets; by default, as much of the merchant set as the caller has."""
    expires_in_days: Annotated[int, Meta(ge=1, le=MAX_KEY_LIFETIME.days)] = DEFAULT_KEY_LIFETIME.days


class ApiKeyRoutes:
    """The routes of every store."""

    def __init__(
        self,
        authenticators: Mapping[StoreId, BearerAuthenticator],
        keys: ApiKeyRepository,
        issue: KeyIssuer,
        *,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._authenticators = authenticators
        self._keys = keys
        self._issue_key = issue
        self._now = now

    def routes(self) -> list[HTTPRouteHandler]:
        """POST and GET `/mcp/token`, DELETE `/mcp/token/{id}`."""

        @post(KEYS_PATH, exception_handlers=REJECTED, include_in_schema=False)
        async def issue_key(request: Request[Any, Any, Any]) -> Response[bytes]:
            return await self._respond(request, self._issue)

        @get(KEYS_PATH, exception_handlers=REJECTED, include_in_schema=False)
        async def list_keys(request: Request[Any, Any, Any]) -> Response[bytes]:
            return await self._respond(request, self._list)

        @delete(
            f"{KEYS_PATH}/{{id_:str}}",
            exception_handlers=REJECTED,
            include_in_schema=False,
            status_code=HTTPStatus.OK,
        )
        async def revoke_key(request: Request[Any, Any, Any]) -> Response[bytes]:
            return await self._respond(request, self._revoke)

        return [issue_key, list_keys, revoke_key]

    async def _respond(self, request: Request[Any, Any, Any], act: Callable[..., Any]) -> Response[bytes]:
        site = site_of(request)
        caller = await authorized_caller(request, site, self._authenticators[site.store.id], REQUIRED_SCOPE)
        status, value = await act(request, site, caller)
        body, headers = msgspec.json.encode(value), {"cache-control": "no-store"}
        return Response(body, status_code=status, media_type="application/json", headers=headers)

    async def _issue(self, request: Request[Any, Any, Any], site: StoreSite, caller: Caller) -> tuple[int, object]:
        wanted = await read_json(request, KeyRequest, "This is no wish for a key") or KeyRequest()
        try:
            scopes = (
                frozenset(scope for scope in MERCHANT_API_SCOPES if has_scope(caller, scope))
                if wanted.scopes is None
                else parse_scopes(wanted.scopes)
            )
        except UnknownScopes as error:
            raise HttpRejection(HTTPStatus.BAD_REQUEST, str(error)) from None
        if not scopes:
            raise HttpRejection(HTTPStatus.BAD_REQUEST, "scopes: name at least one that your credential has.")
        if not may_grant(caller, scopes):
            missing = ", ".join(scope for scope in sorted_scopes(scopes) if not has_scope(caller, scope))
            detail = f"Nobody hands on more than they have: your credential lacks {missing}."
            raise HttpRejection(HTTPStatus.FORBIDDEN, detail, code=ScopeMissing.code)
        new = self._issue_key(
            store=site.store.id,
            label=wanted.label,
            scopes=scopes,
            by=caller.identifier,
            now=self._now(),
            lifetime=dt.timedelta(days=wanted.expires_in_days),
        )
        key = await asyncio.to_thread(self._keys.add, new.key, new.digest)
        return HTTPStatus.CREATED, {"token": new.secret.reveal(), **key_view(key)}

    async def _list(self, _request: Request[Any, Any, Any], site: StoreSite, _caller: Caller) -> tuple[int, object]:
        stored = await asyncio.to_thread(self._keys.list, site.store.id)
        now = self._now()
        return HTTPStatus.OK, {"keys": [_status_view(one, now) for one in stored]}

    async def _revoke(self, request: Request[Any, Any, Any], site: StoreSite, caller: Caller) -> tuple[int, object]:
        id_, by = request.path_params["id_"], caller.identifier
        try:
            key = await asyncio.to_thread(self._keys.revoke, site.store.id, id_, by=by)
        except NoSuchKey as error:
            raise NotFoundException(detail=str(error)) from None
        return HTTPStatus.OK, key_view(key)


def _status_view(one: StoredKey, now: dt.datetime) -> dict[str, Any]:
    return key_view(one.key) | {"standing": one.status_at(now)}
