"""Check of a Stripe key: its kind by its prefix, and whether Stripe accepts it."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import httpx

from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.payments.key_probe import KeyCheck, Mode

API_URL: Final = "https://api.stripe.com"
KEY_PATTERN: Final = re.compile(r"(sk|rk)_(live|test)_")
WEBHOOK_PREFIX: Final = "whsec_"
UNKNOWN_SESSION_PATH: Final = "/v1/checkout/sessions/cs_doctor"
"""A session that does not exist: 404 for a key that is accepted, 401 or 403 for others."""


def key_mode(key: str) -> Mode | None:
    """Whether a key is for live or test payments, by its prefix; None for what is no secret key."""
    match = KEY_PATTERN.match(key)
    return None if match is None else "live" if match[2] == "live" else "test"


class StripeKeyProbe:
    """Implements `payments.key_probe.KeyProbe`."""

    provider: Final = "Stripe"

    def __init__(
        self,
        key: str,
        *,
        webhook_secrets: Sequence[str] = (),
        url: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        self.mode = key_mode(key)
        self.secret = self.mode is not None
        self.webhooks = bool(webhook_secrets)
        self.malformed_webhooks = sum(not secret.startswith(WEBHOOK_PREFIX) for secret in webhook_secrets)
        self._key = key
        self._url = (url or API_URL).rstrip("/") + UNKNOWN_SESSION_PATH
        self._transport = transport
        self._timeout = timeout_seconds

    async def key(self) -> KeyCheck:
        """Request a session that does not exist."""
        headers = {"authorization": f"Bearer {self._key}"}
        try:
            async with httpx.AsyncClient(transport=self._transport, timeout=self._timeout) as client:
                answer = await client.get(self._url, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return KeyCheck(accepted=None, said=str(error) or error_name(error))
        status = answer.status_code
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return KeyCheck(accepted=False, said=f"{status} {HTTPStatus(status).phrase}")
        if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
            return KeyCheck(accepted=True)
        return KeyCheck(accepted=None, said=f"it answered {status}")
