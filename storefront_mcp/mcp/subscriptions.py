"""Clients that want to hear when lists change: bounded queues, a fixed number of them, no replay."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from typing import Any, Final

import msgspec
from msgspec import Struct

from storefront_mcp.mcp.jsonrpc import Code, Id, Refused, answer_bytes, notification_bytes

BACKLOG: Final = 16
"""Changes that a slow reader may lag behind before its stream is ended."""
MOST: Final = 500
"""Open streams of one process."""

KINDS: Final = {
    "toolsListChanged": "notifications/tools/list_changed",
    "promptsListChanged": "notifications/prompts/list_changed",
    "resourcesListChanged": "notifications/resources/list_changed",
}
"""What can be listened for, and how it is told."""
SUBSCRIPTION: Final = "io.modelcontextprotocol/subscriptionId"


class Listener(Struct, frozen=True, eq=False):
    """One open stream."""

    id: Id
    kinds: frozenset[str]
    queue: "asyncio.Queue[str | None]"
    """Kinds that changed; None ends the stream."""


class Subscriptions:
    """All listening streams of one store in this process."""

    def __init__(self, *, at_most: int = MOST) -> None:
        self._listeners: set[Listener] = set()
        self._at_most = at_most

    def join(self, id_: Id, wanted: Collection[str]) -> Listener:
        """Register before anything is acknowledged, so that no change is lost. Raises Refused when it is too full."""
        if len(self._listeners) >= self._at_most:
            raise Refused(Code.INTERNAL_ERROR, "Too many streams are open here. Poll the lists instead.", status=429)
        listener = Listener(id_, frozenset(KINDS.keys() & set(wanted)), asyncio.Queue(BACKLOG + 1))
        self._listeners.add(listener)
        return listener

    def publish(self, kinds: Collection[str]) -> None:
        """Tell everybody who asked for it; who lags too far behind is let go."""
        for listener in tuple(self._listeners):
            for kind in listener.kinds.intersection(kinds):
                if listener.queue.qsize() >= BACKLOG:
                    self._leave(listener)
                    break
                listener.queue.put_nowait(kind)

    def close(self) -> None:
        """End every stream in order."""
        for listener in tuple(self._listeners):
            self._leave(listener)

    async def messages(self, listener: Listener) -> AsyncGenerator[bytes, None]:
        """Acknowledgement, changes, and the result that ends the stream (specification, subscriptions)."""
        about = {SUBSCRIPTION: listener.id}
        honoured = dict.fromkeys(sorted(listener.kinds), True)
        try:
            yield _told("notifications/subscriptions/acknowledged", {"notifications": honoured, "_meta": about})
            while (kind := await listener.queue.get()) is not None:
                yield _told(KINDS[kind], {"_meta": about})
            yield answer_bytes(listener.id, _result(about))
        finally:
            self._listeners.discard(listener)

    def _leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        listener.queue.put_nowait(None)


def _told(method: str, params: dict[str, Any]) -> bytes:
    return notification_bytes(method, params)


def _result(about: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"resultType": "complete", "_meta": about})
