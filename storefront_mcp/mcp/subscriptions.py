"""`subscriptions/listen`: list-change notifications over streams within a quota, with bounded queues, no replay."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from typing import Any, Final

import msgspec
from msgspec import Struct

from storefront_mcp.access.stream_quota import StreamPlace, StreamQuota
from storefront_mcp.mcp.jsonrpc import RequestId, notification_bytes
from storefront_mcp.mcp.prepared import ListedNames
from storefront_mcp.mcp.results import response_bytes
from storefront_mcp.roadmap.audience import STRANGER, CallerTraits

MAX_BACKLOG_MESSAGES: Final = 16
"""Unsent changes after which the stream of a slow reader is ended."""

CHANGE_NOTIFICATIONS: Final = {
    "toolsListChanged": "notifications/tools/list_changed",
    "promptsListChanged": "notifications/prompts/list_changed",
    "resourcesListChanged": "notifications/resources/list_changed",
}
"""Kinds of changes and their notification methods."""
NOTHING_LISTED: Final = ListedNames((), (), ())
SUBSCRIPTION_META_KEY: Final = "io.modelcontextprotocol/subscriptionId"


class StreamListener(Struct, eq=False):
    """One open stream and its queue."""

    id: RequestId
    kinds: frozenset[str]
    queue: "asyncio.Queue[str | None]"
    """Kinds that changed; None ends the stream."""
    traits: CallerTraits = STRANGER
    """Whose lists they are."""
    names: ListedNames = NOTHING_LISTED
    """What the lists held when they were last compared."""
    shows_widgets: bool = False
    """Whether its lists have widgets."""


class StreamSubscriptions:
    """The open streams of one store in this process."""

    def __init__(self, quota: StreamQuota | None = None) -> None:
        self.quota = StreamQuota() if quota is None else quota
        self._listeners: dict[StreamListener, StreamPlace] = {}

    def join(
        self,
        id_: RequestId,
        wanted: Collection[str],
        traits: CallerTraits = STRANGER,
        names: ListedNames = NOTHING_LISTED,
        *,
        holder: str = "",
        shows_widgets: bool = False,
    ) -> StreamListener | None:
        """Open a stream of a holder; changes from now on are queued. None if there are too many."""
        listener = StreamListener(
            id_,
            frozenset(CHANGE_NOTIFICATIONS.keys() & set(wanted)),
            asyncio.Queue(MAX_BACKLOG_MESSAGES + 1),
            traits,
            names,
            shows_widgets,
        )
        place = self.quota.admit(holder, lambda: self._leave(listener))
        if place is None:
            return None
        self._listeners[listener] = place
        return listener

    def publish(self, changes: Callable[[StreamListener], Collection[str]]) -> None:
        """Queue each listener's changes for the streams that asked for them; end those that lag too far behind."""
        for listener in tuple(self._listeners):
            for kind in listener.kinds.intersection(changes(listener)):
                if listener.queue.qsize() >= MAX_BACKLOG_MESSAGES:
                    self._leave(listener)
                    break
                listener.queue.put_nowait(kind)

    def close(self) -> None:
        """End every stream with its result."""
        for listener in tuple(self._listeners):
            self._leave(listener)

    async def messages(self, listener: StreamListener) -> AsyncGenerator[bytes, None]:
        """Encoded acknowledgement, changes, and the result that ends the stream (specification, subscriptions)."""
        meta = {SUBSCRIPTION_META_KEY: listener.id}
        honoured = dict.fromkeys(sorted(listener.kinds), True)
        try:
            yield notification_bytes(
                "notifications/subscriptions/acknowledged", {"notifications": honoured, "_meta": meta}
            )
            while (kind := await listener.queue.get()) is not None:
                yield notification_bytes(CHANGE_NOTIFICATIONS[kind], {"_meta": meta})
            yield response_bytes(listener.id, _result(meta))
        finally:
            self._forget(listener)

    def _leave(self, listener: StreamListener) -> None:
        if self._forget(listener):
            listener.queue.put_nowait(None)

    def _forget(self, listener: StreamListener) -> bool:
        """Whether it was still listening."""
        place = self._listeners.pop(listener, None)
        if place is not None:
            self.quota.leave(place)
        return place is not None


def _result(meta: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"resultType": "complete", "_meta": meta})
