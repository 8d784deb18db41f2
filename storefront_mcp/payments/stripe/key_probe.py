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
UNKNOWN_TOKEN_PATH: Final = "/v1/shared_payment/granted_tokens/spt_doctor"  # noqa: S105 -- no token
MISSING_CODE: Final = b"resource_missing"
PREVIEW_VERSION: Final = "2026-09-30.preview"
"""Of Stripe's interface, in which shared payment tokens are known."""


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
        self._url = (url or API_URL).rstrip("/")
        self._transport = transport
        self._timeout = timeout_seconds

    async def key(self) -> KeyCheck:
        """Request a session that does not exist."""
        answer = await self._get(UNKNOWN_SESSION_PATH)
        if isinstance(answer, str):
            return KeyCheck(accepted=None, said=answer)
        status = answer.status_code
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return KeyCheck(accepted=False, said=f"{status} {HTTPStatus(status).phrase}")
        if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
            return KeyCheck(accepted=True)
        return KeyCheck(accepted=None, said=f"it answered {status}")

    async def tokens(self) -> KeyCheck:
        """Request a shared payment token that does not exist; an account without the preview has no such address."""
        answer = await self._get(UNKNOWN_TOKEN_PATH, version=PREVIEW_VERSION)
        if isinstance(answer, str):
            return KeyCheck(accepted=None, said=answer)
        status = answer.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            return KeyCheck(accepted=None, said=f"it answered {status}")
        known = status == HTTPStatus.OK or (status == HTTPStatus.NOT_FOUND and MISSING_CODE in answer.content)
        return KeyCheck(accepted=known, said="" if known else f"it answered {status}")

    async def _get(self, path: str, *, version: str = "") -> httpx.Response | str:
        """The answer, or why there is none."""
        headers = {"authorization": f"Bearer {self._key}"} | ({"stripe-version": version} if version else {})
        try:
            async with httpx.AsyncClient(transport=self._transport, timeout=self._timeout) as client:
                return await client.get(self._url + path, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return str(error) or error_name(error)
