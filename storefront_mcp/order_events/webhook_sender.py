"""Sends an order event to its receiver: signed, to a public address, bounded in time."""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Final

import httpx
from msgspec import Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.public_http.exchange import DestinationRefused, PublicExchange

TIMEOUT_SECONDS: Final = 10.0
"""For address, connection, sending and the status; the answer's body is not read."""

Signer = Callable[[bytes, int, bytes], tuple[str, str]]
"""The header that signs a body, by key and Unix seconds: its name and value."""


class OrderEventReceiver(Struct, frozen=True, kw_only=True):
    """Where the orders of one caller are told."""

    url: str
    secret: Secret
    """Shared with the receiver, which verifies the signature by it."""


class EventUndelivered(Exception):
    """The receiver did not take an event; the text is for the operator, without the URL."""


class OrderEventSender:
    """Sends each event with a POST. Follows no redirect and uses no proxy of the environment."""

    def __init__(self, exchange: PublicExchange, sign: Signer, *, now: Callable[[], float]) -> None:
        """`now` gives Unix seconds."""
        self._exchange = exchange
        self._sign = sign
        self._now = now

    async def send(self, receiver: OrderEventReceiver, event: str, body: bytes) -> None:
        """Send the event of an id. Raises EventUndelivered for any answer but 2xx, and without one."""
        at = int(self._now())
        signature, signed = self._sign(receiver.secret.reveal().encode(), at, body)
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "user-agent": "storefront-mcp",
            "request-id": event,
            "timestamp": dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            signature: signed,
        }
        sending = self._exchange.send(
            "POST", receiver.url, headers=headers, content=body, steps=httpx.Timeout(TIMEOUT_SECONDS)
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), sending as answer:
                status = answer.status_code
        except DestinationRefused:
            raise EventUndelivered("its host is not at a public address") from None
        except TimeoutError:
            raise EventUndelivered(f"no answer within {TIMEOUT_SECONDS:.0f} seconds") from None
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            # The message of the error may hold the address, of which a part is often a secret.
            raise EventUndelivered(error_name(error)) from None
        if not httpx.codes.is_success(status):
            raise EventUndelivered(f"HTTP {status}")
