"""Look at a Stripe key: what it is for by its letters, and whether Stripe takes it."""

import re
from http import HTTPStatus
from typing import Final

import httpx

from storefront_mcp.payments.probing import Key, Mode

API: Final = "https://api.stripe.com"
LETTERS: Final = re.compile(r"(sk|rk)_(live|test)_")
NOTHING: Final = "/v1/checkout/sessions/cs_doctor"
"""A session that does not exist: a key that may look for it is told so, another one is refused before."""


class StripeKey:
    """Implements `payments.probing.KeyProbe`."""

    provider: Final = "Stripe"

    def __init__(
        self,
        key: str,
        *,
        webhooks: bool,
        url: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        patience: float = 10.0,
    ) -> None:
        found = LETTERS.match(key)
        self.secret = found is not None
        self.mode: Mode | None = None if found is None else "live" if found[2] == "live" else "test"
        self.webhooks = webhooks
        self._key = key
        self._url = (url or API).rstrip("/") + NOTHING
        self._transport = transport
        self._patience = patience

    async def key(self) -> Key:
        """Look for a session that does not exist."""
        headers = {"authorization": f"Bearer {self._key}"}
        try:
            async with httpx.AsyncClient(transport=self._transport, timeout=self._patience) as client:
                answer = await client.get(self._url, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Key(accepted=None, said=str(error) or type(error).__name__)
        status = answer.status_code
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return Key(accepted=False, said=f"{status} {HTTPStatus(status).phrase}")
        if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
            return Key(accepted=True)
        return Key(accepted=None, said=f"it answered {status}")
