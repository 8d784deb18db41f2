"""The tool context of one call: queues progress and log notifications, and holds the client's answers."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, get_args

import msgspec
from msgspec import UNSET, Raw, UnsetType

from storefront_mcp.mcp.jsonrpc import JSON_DECODE_ERRORS, notification_bytes
from storefront_mcp.tools.tool_context import Level

LOG_LEVELS: Final[tuple[str, ...]] = get_args(Level)


class ClientToolContext:
    """`tools.tool_context.ToolContext` for one call."""

    def __init__(
        self,
        *,
        can_ask: bool,
        capabilities: Mapping[str, Any],
        answers: Mapping[str, Any],
        state: Any,  # noqa: ANN401 -- any JSON
        progress_token: str | int | None,
        log_level: str | None,
    ) -> None:
        self.can_ask = can_ask
        self.capabilities = capabilities
        self.answers = answers
        self.state = state
        self._token = progress_token
        self._threshold = LOG_LEVELS.index(log_level) if log_level in LOG_LEVELS else None
        self._last = -1.0
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.started = asyncio.Event()
        """Set by the first notification: from then on the answer is a stream."""

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Send a progress notification, if the client gave a token and `done` grew."""
        if self._token is None or done <= self._last:
            return
        self._last = done
        params: dict[str, Any] = {"progressToken": self._token, "progress": done}
        if total is not None:
            params["total"] = total
        if message is not None:
            params["message"] = message
        self._enqueue("notifications/progress", params)

    async def log(self, level: Level, value: Any) -> None:  # noqa: ANN401 -- any JSON
        """Send a log notification, if the client asked for this level or a lower one."""
        if self._threshold is not None and LOG_LEVELS.index(level) >= self._threshold:
            self._enqueue("notifications/message", {"level": level, "data": value})

    def finish(self) -> None:
        """End `messages`."""
        self._queue.put_nowait(None)

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """Encoded notifications as they come, until `finish`."""
        while (message := await self._queue.get()) is not None:
            yield message

    def _enqueue(self, method: str, params: Mapping[str, Any]) -> None:
        self._queue.put_nowait(notification_bytes(method, params))
        self.started.set()


def json_object(raw: Raw | UnsetType) -> dict[str, Any]:
    """Decode a JSON object; anything else is an empty one."""
    if raw is UNSET:
        return {}
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except JSON_DECODE_ERRORS:
        return {}
