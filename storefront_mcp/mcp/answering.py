"""From a request to its answer: bytes, or a stream of messages that ends with the answer."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable
from typing import Final

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import force_setattr, replace

from storefront_mcp.calls.house import House
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.mcp.asking import Asked, line_to_client
from storefront_mcp.mcp.catalogue import Catalogue
from storefront_mcp.mcp.era import check_log_level
from storefront_mcp.mcp.headers import takes_events
from storefront_mcp.mcp.jsonrpc import UNREADABLE, Code, Refused, answer_bytes, failure_bytes
from storefront_mcp.mcp.methods import Method, call_tool, method_named
from storefront_mcp.mcp.sealing import Seal
from storefront_mcp.mcp.subscriptions import Subscriptions
from storefront_mcp.mcp.talk import Talk

log: Final = logging.getLogger("storefront_mcp.mcp")
LISTEN: Final = "subscriptions/listen"


class Stream(Struct, frozen=True):
    """An answer in several messages; the last one is the answer proper."""

    messages: AsyncGenerator[bytes, None]


class Line(Struct, frozen=True, kw_only=True):
    """What a store's requests share in one process, from one roadmap to the next."""

    shop: Shop
    seal: Seal
    subscriptions: Subscriptions
    house: House | None = None
    """Without one, nothing is counted, replayed or put on record."""


def answer(asked: Asked, line: Line, *, may_stream: bool = True) -> Awaitable[bytes | Stream]:
    """The answer to a request; what a tool says meanwhile is dropped where nothing `may_stream`.

    Raises Refused and nothing else, whatever breaks, at once or when it is awaited.
    """
    listens = asked.method == LISTEN and asked.version.tells_of_changes
    method = None if listens else method_named(asked.method, asked.version)
    if asked.meta.log_level is not UNSET and asked.version.dresses_results:
        check_log_level(asked.meta)
    if method is None:
        return _listening(asked, line.subscriptions)
    talking = asked.catalogue.talking
    if talking and method is call_tool and asked.params.name in talking:
        talk = line_to_client(asked, asked.subject(asked.params.name, "name"))
        asked = replace(asked, talk=talk)
        if may_stream and takes_events(asked.headers):
            return _conversed(asked, talk)
    return _answered(asked, method)


async def _answered(asked: Asked, method: Method) -> bytes:
    watcher = None if asked.house is None else asked.house.watcher
    look = None if watcher is None else watcher.asked(asked)
    if look is not None:
        # Nobody else has seen it yet, and a copy would cost more than all the looking.
        force_setattr(asked, "look", look)
    try:
        return answer_bytes(asked.id, await method(asked))
    except Refused as refused:
        if look is not None:
            look.refused(refused.code)
        raise
    except Exception:
        log.exception("%s failed", asked.method)
        if look is not None:
            look.refused(Code.INTERNAL_ERROR)
        raise Refused(Code.INTERNAL_ERROR, "This request failed on our side.", status=200) from None
    finally:
        if look is not None:
            look.ended()


async def _conversed(asked: Asked, talk: Talk) -> bytes | Stream:
    """A call that may say something before it is done: a stream from the first word on, plain bytes if it is silent."""
    running = asyncio.create_task(_answered(asked, call_tool))
    running.add_done_callback(lambda _: talk.over())
    spoken = asyncio.create_task(talk.spoken.wait())
    try:
        await asyncio.wait({running, spoken}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        running.cancel()
        raise
    finally:
        spoken.cancel()
    return await running if running.done() and not talk.spoken.is_set() else Stream(_told(asked, talk, running))


async def _told(asked: Asked, talk: Talk, running: "asyncio.Task[bytes]") -> AsyncGenerator[bytes, None]:
    try:
        async for message in talk.messages():
            yield message
        try:
            yield await running
        except Refused as refused:
            refused.answers = asked.id
            yield failure_bytes(refused)
    finally:
        # Only in the modern form a closed stream takes the call back (specification, cancellation).
        if asked.version.dresses_results:
            running.cancel()


async def _listening(asked: Asked, subscriptions: Subscriptions) -> Stream:
    if asked.params.notifications is UNSET:
        raise Refused(Code.INVALID_PARAMS, "params.notifications is missing")
    try:
        wanted = msgspec.json.decode(asked.params.notifications, type=dict[str, object])
    except UNREADABLE:
        raise Refused(Code.INVALID_PARAMS, "params.notifications must be an object") from None
    listener = subscriptions.join(asked.id, [kind for kind, flag in wanted.items() if flag is True])
    return Stream(subscriptions.messages(listener))


def line_for(shop: Shop, key: bytes, house: House | None = None) -> Line:
    """A store's line; `key` seals what travels through clients and is the same in every worker."""
    return Line(shop=shop, seal=Seal(key), subscriptions=Subscriptions(), house=house)


def catalogue_changes(before: Catalogue, after: Catalogue, line: Line) -> None:
    """Tell listeners which lists are different now."""
    line.subscriptions.publish(before.contents.changes(after.contents))
