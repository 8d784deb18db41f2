"""A receiver of webhooks over real HTTP, which checks signatures by itself."""

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from tests.serving import served

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
KEY = bytes(range(32))


class Receiver:
    """Keeps what it is sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        """Statuses of the next answers; 204 after them."""
        self.tries: list[dict[str, str]] = []
        """The headers of each request."""
        self.taken: list[dict[str, Any]] = []
        """The bodies that were taken."""
        self.paths: list[str] = []

    @property
    def told(self) -> list[tuple[str, str, str | None]]:
        """What happened, to what, of which store."""
        return [(one["type"], one["data"]["condition"], one["data"]["store"]) for one in self.taken]

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
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        right = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{right}"
        assert headers["content-type"] == "application/json"
        self.tries.append(headers)
        self.paths.append(scope["path"])
        status = self.answers.pop(0) if self.answers else 204
        if status < 300:
            self.taken.append(json.loads(body))
        away = [(b"location", b"/elsewhere")] if 300 <= status < 400 else []
        await send({"type": "http.response.start", "status": status, "headers": away})
        await send({"type": "http.response.body", "body": b""})


@contextlib.contextmanager
def receiving() -> Iterator[tuple[Receiver, str]]:
    """A receiver, and its URL."""
    receiver = Receiver()
    with served(receiver) as origin:
        yield receiver, f"{origin}/hook"
