"""Look on while clients shop: which protocol version their calls spoke, and which of their requests we refused."""

import json
import re
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from tests.fakes.agent import META

AGREED = re.compile(rb'"protocolVersion":\s*"([^"]+)"')


class Witness:
    """Stands in front of an app, changes nothing, and remembers what passed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._agreed = ""
        self.spoken: set[str] = set()
        """Versions of tools/call: claimed in the request, or agreed by the handshake before it."""
        self.refused: set[tuple[int, str]] = set()
        """Status and path of what was answered with an HTTP error."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()

        async def heard() -> Any:
            message = await receive()
            if message["type"] == "http.request":
                body.extend(message["body"])
                if not message["more_body"]:
                    self._hear(bytes(body))
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                self.refused.add((message["status"], scope["path"]))
            elif message["type"] == "http.response.body" and (agreed := AGREED.search(message["body"])):
                self._agreed = agreed[1].decode()
            await send(message)

        await self._app(scope, heard, sent)

    def _hear(self, body: bytes) -> None:
        if b'"tools/call"' in body:
            meta = json.loads(body)["params"].get("_meta", {})
            self.spoken.add(meta.get(f"{META}protocolVersion", self._agreed))
