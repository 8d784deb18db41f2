"""Reads carts and orders with a Maho service account, which guests cannot do; never writes."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from msgspec import Struct

from storefront_mcp.backends.maho.order_shapes import TokenShape
from storefront_mcp.backends.maho.rest import RestClient, error_body
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce.errors import ShopBusy, ShopDown, ShopMisconfigured

EARLY_RENEWAL_SECONDS: Final = 30.0
"""A token is renewed this long before it expires."""


class ServiceAccountCredentials(Struct, frozen=True, kw_only=True):
    """OAuth client credentials of a service account with the rights `orders/read` and `carts/read`."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"ServiceAccountCredentials(client_id={self.client_id!r})"


class ServiceAccountClient:
    """Reads with a service account's bearer token. Raises ShopDown and its subclasses."""

    def __init__(self, rest: RestClient, credentials: ServiceAccountCredentials, *, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._credentials = credentials
        self._clock = clock
        self._token = ""
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> UpstreamResponse:
        """GET; after a 401 the token is renewed and the request repeated once."""
        try:
            token = await self._bearer()
            answer = await self._rest.get(path, query, bearer=token)
            if answer.status == HTTPStatus.UNAUTHORIZED:
                answer = await self._rest.get(path, query, bearer=await self._bearer(instead_of=token))
        except ShopBusy as busy:
            raise ShopDown(internal=busy.internal) from busy
        return answer

    async def _bearer(self, *, instead_of: str | None = None) -> str:
        async with self._asking:
            if not self._token or self._token == instead_of or self._clock() >= self._until:
                body = {
                    "grant_type": "client_credentials",
                    "client_id": self._credentials.client_id,
                    "client_secret": self._credentials.client_secret,
                }
                answer = await self._rest.send("POST", "/auth/token", body, harmless=True)
                if not answer.is_success:
                    why = f"{answer.status} {error_body(answer).error[:60]}"
                    raise ShopMisconfigured(f"{answer.where}: {why}, so the service account is not let in")
                issued = answer.read(TokenShape)
                self._token, self._until = issued.token, self._clock() + issued.expires_in - EARLY_RENEWAL_SECONDS
            return self._token
