"""The ASGI extension of our protocol class, for those who send and receive; imports nothing of uvicorn."""

from collections.abc import Generator
from typing import Any, Final

WHOLE_RESPONSE: Final = "http.response.whole"
"""A whole response in one event, with `status`, `headers` that are the same tuple each time and have neither length nor
framing, and `body`."""
EXTENSIONS: Final[dict[str, dict[object, object]]] = {WHOLE_RESPONSE: {}}
"""What a scope offers under `extensions`."""


class BufferedBody:
    """A request body that was complete when it was asked for: await it as any event, or take `body`."""

    __slots__ = ("body",)

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __await__(self) -> Generator[None, None, Any]:
        yield from ()
        return {"type": "http.request", "body": self.body, "more_body": False}
