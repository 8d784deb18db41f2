"""A platform that takes order events over real HTTP, and checks their signatures by itself."""

import contextlib
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

from tests.serving import served
from tests.unit.acp.schemas import ORDER_EVENT, check

SECRET = "a-secret-of-the-platform"


class OrderEventReceiver:
    """Keeps what it is sent, and answers as it is told to."""

    def __init__(self, secret: str = SECRET) -> None:
        self.secret = secret
        self.answers: list[int] = []
        """Statuses of the next answers; 200 after them."""
        self.tries: list[dict[str, str]] = []
        """The headers of each request."""
        self.taken: list[dict[str, Any]] = []
        """The bodies that were taken."""
        self.arrived = threading.Event()
        """Set once something was taken."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        body = b""
        while (event := await receive()).get("more_body") or event.get("body"):
            body += event["body"]
            if not event.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.tries.append(headers)
        verify(headers, body, self.secret)
        status = self.answers.pop(0) if self.answers else 200
        if status < 300:
            self.taken.append(json.loads(body))
            check(self.taken[-1], ORDER_EVENT)
            self.arrived.set()
        away = [(b"location", b"/elsewhere")] if 300 <= status < 400 else []
        await send({"type": "http.response.start", "status": status, "headers": away})
        await send({"type": "http.response.body", "body": b'{"received":true}'})


def verify(headers: dict[str, str], body: bytes, secret: str) -> None:
    """As a receiver has to: the HMAC of the moment and the raw body, in hexadecimal."""
    signed = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers["merchant-signature"])
    assert signed is not None
    right = hmac.new(secret.encode(), f"{signed[1]}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(right, signed[2])
    assert headers["content-type"] == "application/json"


@contextlib.contextmanager
def receiving() -> Iterator[tuple[OrderEventReceiver, str]]:
    """A receiver, and its URL."""
    receiver = OrderEventReceiver()
    with served(receiver) as origin:
        yield receiver, f"{origin}/agentic_checkout/webhooks/order_events"
