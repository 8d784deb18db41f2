"""Sends an alert as a webhook, signed as Standard Webhooks has it (standardwebhooks.com, symmetric signatures)."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

import httpx

from storefront_mcp.alerts.sender import AlertUndelivered
from storefront_mcp.alerts.text import AlertFacts, alert_payload
from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.records.alerts import AlertMessage

TIMEOUT_SECONDS: Final = 10.0
"""For connecting, sending and the status; the answer's body is not read."""


class WebhookAlertSender:
    """Implements `AlertSender`: a POST for each message. Follows no redirect and uses no proxy of the environment."""

    def __init__(self, url: str, key: bytes, facts: AlertFacts, *, now: Callable[[], float]) -> None:
        """`key` signs; `now` gives Unix seconds."""
        self._url = url
        self._key = key
        self._facts = facts
        self._now = now

    async def send(self, message: AlertMessage) -> str:
        """Send it; the status of the answer. Raises AlertUndelivered for any but 2xx."""
        body, moment = alert_payload(message, self._facts), str(int(self._now()))
        headers = {
            "content-type": "application/json",
            "user-agent": "storefront-mcp",
            "webhook-id": message.id,
            "webhook-timestamp": moment,
            "webhook-signature": sign_webhook(self._key, message.id, moment, body),
        }
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client,
                client.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                said = f"HTTP {answer.status_code}"
                received = answer.is_success
        except TimeoutError:
            raise AlertUndelivered(f"no answer within {TIMEOUT_SECONDS:.0f} seconds") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # The message of the error may hold the address, of which a part is often a secret.
            raise AlertUndelivered(error_name(error)) from None
        if not received:
            raise AlertUndelivered(said)
        return said


def sign_webhook(key: bytes, id_: str, moment: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 over id, Unix seconds and body, in base64."""
    signed = hmac.new(key, f"{id_}.{moment}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"
