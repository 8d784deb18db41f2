"""A service account of the shop: it may read carts and orders, which no guest may, and it never changes any."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from msgspec import Struct

from storefront_mcp.backends.maho.receipts import Issued
from storefront_mcp.backends.maho.rest import Rest, refusal
from storefront_mcp.backends.upstream import Answer
from storefront_mcp.commerce.errors import ShopBusy, ShopDown, ShopMisconfigured

EARLY: Final = 30.0
"""Seconds before its end that a token is no longer used."""


class Credentials(Struct, frozen=True, kw_only=True):
    """What a service account shows to get a token. Its rights: `orders/read` and `carts/read`."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Credentials(client_id={self.client_id!r})"


class Account:
    """Reads as a service account. Raises only ShopDown and its kin."""

    def __init__(self, rest: Rest, credentials: Credentials, *, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._credentials = credentials
        self._clock = clock
        self._token = ""
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Read; a token that the shop has forgotten is asked for once again."""
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
                if not answer.ok:
                    why = f"{answer.status} {refusal(answer).error[:60]}"
                    raise ShopMisconfigured(f"{answer.where}: {why}, so the service account is not let in")
                issued = answer.read(Issued)
                self._token, self._until = issued.token, self._clock() + issued.expires_in - EARLY
            return self._token
