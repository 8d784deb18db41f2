"""The line from a running call to its client: progress and log messages, kept until somebody sends them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, get_args

import msgspec
from msgspec import UNSET, Raw, UnsetType

from storefront_mcp.mcp.jsonrpc import UNREADABLE, notification_bytes
from storefront_mcp.roadmap.conversation import Level

LEVELS: Final[tuple[str, ...]] = get_args(Level)


class Talk:
    """Implements `roadmap.conversation.Conversation` for one call."""

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
        self._threshold = LEVELS.index(log_level) if log_level in LEVELS else None
        self._last = -1.0
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.spoken = asyncio.Event()
        """Set by the first message: from then on the answer is a stream."""

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Notify, if the client gave a token; what does not grow is not sent."""
        if self._token is None or done <= self._last:
            return
        self._last = done
        params: dict[str, Any] = {"progressToken": self._token, "progress": done}
        if total is not None:
            params["total"] = total
        if message is not None:
            params["message"] = message
        self._say("notifications/progress", params)

    async def log(self, level: Level, value: Any) -> None:  # noqa: ANN401 -- any JSON
        """Notify, if the client asked for this level or a lower one."""
        if self._threshold is not None and LEVELS.index(level) >= self._threshold:
            self._say("notifications/message", {"level": level, "data": value})

    def over(self) -> None:
        """Nothing more comes."""
        self._queue.put_nowait(None)

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """What was said, as it is said, until it is over."""
        while (message := await self._queue.get()) is not None:
            yield message

    def _say(self, method: str, params: Mapping[str, Any]) -> None:
        self._queue.put_nowait(notification_bytes(method, params))
        self.spoken.set()


def as_object(raw: Raw | UnsetType) -> dict[str, Any]:
    """A JSON object, or an empty one for anything else."""
    if raw is UNSET:
        return {}
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except UNREADABLE:
        return {}
