"""`/mcp/token`: callers who may manage API keys mint, list and revoke those of their store."""

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

from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.credentials import (
    LIFETIME,
    LONGEST_LABEL,
    LONGEST_LIFETIME,
    ApiKey,
    ApiKeys,
    Mint,
    NoSuchKey,
    StoredKey,
)
from storefront_mcp.calls.scopes import (
    MERCHANT_API_SCOPES,
    UnknownScopes,
    chosen_scopes,
    holds,
    in_order,
    may_grant,
)
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.web import problem
from storefront_mcp.web.body import BodyRefused, first_of_each, read_body
from storefront_mcp.web.door import Door, TurnedAway
from storefront_mcp.web.front import SITE
from storefront_mcp.web.security import origin_allowed
from storefront_mcp.web.site import Site

NEEDED: Final = "manage:api_keys"
PATH: Final = "/mcp/token"
PRINTABLE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"
"""Lists of keys are read on terminals, where control characters do things."""


class Wish(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The key that somebody wants; everything may be left out."""

    label: Annotated[str, Meta(min_length=1, max_length=LONGEST_LABEL, pattern=PRINTABLE)] = "minted over HTTP"
    scopes: tuple[str, ...] | None = None
    """Scopes or names of sets; left out, as much of the merchant set as its minter has."""
    expires_in_days: Annotated[int, Meta(ge=1, le=LONGEST_LIFETIME.days)] = LIFETIME.days


class TokenDesk:
    """The routes of every store. Keys are made by `mint` and kept by `keys`."""

    def __init__(
        self, doors: Mapping[StoreId, Door], keys: ApiKeys, mint: Mint, *, now: Callable[[], dt.datetime]
    ) -> None:
        self._doors = doors
        self._keys = keys
        self._mint = mint
        self._now = now

    def routes(self) -> list[HTTPRouteHandler]:
        """POST and GET `/mcp/token`, DELETE `/mcp/token/{id}`."""

        @post(PATH, include_in_schema=False)
        async def mint(request: Request[Any, Any, Any]) -> Response[bytes]:
            return await self._answered(request, self._minted)

        @get(PATH, include_in_schema=False)
        async def listed(request: Request[Any, Any, Any]) -> Response[bytes]:
            return await self._answered(request, self._listed)

        @delete(f"{PATH}/{{id_:str}}", include_in_schema=False, status_code=HTTPStatus.OK)
        async def revoke(request: Request[Any, Any, Any]) -> Response[bytes]:
            return await self._answered(request, self._revoked)

        return [mint, listed, revoke]

    async def _answered(self, request: Request[Any, Any, Any], act: Callable[..., Any]) -> Response[bytes]:
        site: Site = request.scope[SITE]  # type: ignore[typeddict-item]
        try:
            caller = await self._admitted(request, site)
            status, value = await act(request, site, caller)
        except TurnedAway as away:
            headers = {name.decode(): value.decode("latin-1") for name, value in away.headers}
            body = problem.problem_bytes(away.status, str(away))
            return _answer(away.status, body, problem.MEDIA_TYPE, headers)
        return _answer(status, msgspec.json.encode(value), "application/json", {})

    async def _admitted(self, request: Request[Any, Any, Any], site: Site) -> Caller:
        """Somebody who may manage keys. Raises TurnedAway."""
        headers = list(request.scope["headers"])
        origin = first_of_each(headers).get(b"origin")
        if origin is not None and not origin_allowed(origin.decode("latin-1").strip(), site.store):
            raise TurnedAway(HTTPStatus.FORBIDDEN, "Pages of that origin may not ask for keys.")
        door = self._doors[site.store.id]
        caller = await door.uncounted(headers, request.scope["query_string"], request.scope["client"])
        if not holds(caller, NEEDED):
            raise door.needs(NEEDED, caller)
        return caller

    async def _minted(self, request: Request[Any, Any, Any], site: Site, caller: Caller) -> tuple[int, object]:
        wish = await _wish(request)
        try:
            scopes = (
                frozenset(scope for scope in MERCHANT_API_SCOPES if holds(caller, scope))
                if wish.scopes is None
                else chosen_scopes(wish.scopes)
            )
        except UnknownScopes as error:
            raise TurnedAway(HTTPStatus.BAD_REQUEST, str(error)) from None
        if not scopes:
            raise TurnedAway(HTTPStatus.BAD_REQUEST, "scopes: name at least one that your credential has.")
        if not may_grant(caller, scopes):
            missing = ", ".join(scope for scope in in_order(scopes) if not holds(caller, scope))
            detail = f"Nobody hands on more than they have: your credential lacks {missing}."
            raise TurnedAway(HTTPStatus.FORBIDDEN, detail)
        new = self._mint(
            store=site.store.id,
            label=wish.label,
            scopes=scopes,
            by=caller.identifier,
            now=self._now(),
            lifetime=dt.timedelta(days=wish.expires_in_days),
        )
        key = await asyncio.to_thread(self._keys.add, new.key, new.digest)
        return HTTPStatus.CREATED, {"token": new.secret.reveal(), **_shown(key)}

    async def _listed(self, _request: Request[Any, Any, Any], site: Site, _caller: Caller) -> tuple[int, object]:
        stored = await asyncio.to_thread(self._keys.listed, site.store.id)
        now = self._now()
        return HTTPStatus.OK, {"keys": [_with_standing(one, now) for one in stored]}

    async def _revoked(self, request: Request[Any, Any, Any], site: Site, caller: Caller) -> tuple[int, object]:
        id_, by = request.path_params["id_"], caller.identifier
        try:
            key = await asyncio.to_thread(self._keys.revoke, site.store.id, id_, by=by)
        except NoSuchKey as error:
            raise NotFoundException(detail=str(error)) from None
        return HTTPStatus.OK, _shown(key)


async def _wish(request: Request[Any, Any, Any]) -> Wish:
    """What the body asks for. Raises TurnedAway."""
    headers = list(request.scope["headers"])
    try:
        body = await read_body(headers, request.receive)
    except BodyRefused as refused:
        raise TurnedAway(refused.status or HTTPStatus.BAD_REQUEST, str(refused)) from None
    if not body.strip():
        return Wish()
    kind = first_of_each(headers).get(b"content-type", b"").split(b";")[0].strip().lower()
    if kind != b"application/json":
        raise TurnedAway(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json, or nothing.")
    try:
        return msgspec.json.decode(body, type=Wish)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TurnedAway(HTTPStatus.BAD_REQUEST, f"This is no wish for a key: {error}") from None


def _with_standing(one: StoredKey, now: dt.datetime) -> dict[str, Any]:
    return _shown(one.key) | {"standing": one.standing(now)}


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "label": key.label,
        "scopes": in_order(key.scopes),
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


def _answer(status: int, body: bytes, media_type: str, headers: Mapping[str, str]) -> Response[bytes]:
    fields = {"cache-control": "no-store", **headers}
    return Response(body, status_code=status, media_type=media_type, headers=fields)
