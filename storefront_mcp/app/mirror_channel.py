"""The channel between a worker and its mirror writer's process: a pair of sockets.

It carries what the writer is to do, requests to a shop that is embedded in the worker, and, by its end, that the other
side is gone: the kernel closes it however a process dies.
"""

import asyncio
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Final

import httpx
import msgspec
from msgspec import Struct

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.settings.catalogue import CatalogueSettings
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.settings.storage import DatabaseLocation
from storefront_mcp.settings.telemetry import LogSettings

_LENGTH: Final = struct.Struct("!I")
MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
ANSWER_SECONDS: Final = 60.0
LEASE_SECONDS: Final = 30.0
"""Of a mirror; renewed each third of it."""


class WriterTask(Struct, frozen=True, kw_only=True):
    """What one writer's process is to do."""

    owner: str
    """Of the leases."""
    database: DatabaseLocation
    catalogue: CatalogueSettings
    logs: LogSettings
    stores: tuple[StoreSettings, ...]
    places: Mapping[StoreId, str]


class ChannelRequest(Struct, frozen=True, kw_only=True):
    """A request to the shop that is embedded in the worker."""

    number: int
    store: str
    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes = b""


class ChannelAnswer(Struct, frozen=True, kw_only=True):
    """Its answer."""

    number: int
    """Of the request."""
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class ChannelClosed(Exception):
    """The other side is gone."""


def send_frame(channel: socket.socket, frame: bytes) -> None:
    """Send one frame. Raises ChannelClosed."""
    try:
        channel.sendall(_LENGTH.pack(len(frame)) + frame)
    except OSError as error:
        raise ChannelClosed from error


def receive_frame(channel: socket.socket) -> bytes:
    """Wait for one frame. Raises ChannelClosed."""
    (length,) = _LENGTH.unpack(_receive(channel, _LENGTH.size))
    if length > MAX_FRAME_BYTES:
        raise ChannelClosed
    return _receive(channel, length)


def _receive(channel: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        try:
            piece = channel.recv(min(count - len(received), 1 << 20))
        except OSError as error:
            raise ChannelClosed from error
        if not piece:
            raise ChannelClosed
        received += piece
    return bytes(received)


class ChannelTransport(httpx.AsyncBaseTransport):
    """The writer's side: httpx's transport to the shop that is embedded in the worker, one request at a time."""

    def __init__(self, client: "ChannelClient", store: str) -> None:
        self._client = client
        self._store = store

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx.ReadTimeout."""
        asked = ChannelRequest(
            number=self._client.next_number(),
            store=self._store,
            method=request.method,
            url=str(request.url),
            headers=[(name, value) for name, value in request.headers.multi_items() if name != "host"],
            body=request.content,
        )
        try:
            answer = await self._client.ask(asked)
        except TimeoutError as error:
            raise httpx.ReadTimeout("the embedded shop does not answer", request=request) from error
        return httpx.Response(answer.status, headers=answer.headers, stream=httpx.ByteStream(answer.body))


class ChannelClient:
    """The writer's end of the channel; calls `gone` from a thread when the other side is no more."""

    def __init__(self, channel: socket.socket, gone: Callable[[], None]) -> None:
        self._channel = channel
        self._gone = gone
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[ChannelAnswer]] = {}

    def start(self) -> None:
        """Listen, in a thread that ends with the process."""
        threading.Thread(target=self._listen, name="listen to the worker", daemon=True).start()

    def next_number(self) -> int:
        """A number for a request."""
        return next(self._numbers)

    async def ask(self, request: ChannelRequest) -> ChannelAnswer:
        """The answer to a request. Raises TimeoutError, ChannelClosed."""
        waiting = self._waiting[request.number] = Future()
        try:
            # Small, and the other side reads at once: it never fills the socket.
            send_frame(self._channel, msgspec.msgpack.encode(request))
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asyncio.wrap_future(waiting)
        finally:
            del self._waiting[request.number]

    def _listen(self) -> None:
        try:
            while True:
                answer = msgspec.msgpack.decode(receive_frame(self._channel), type=ChannelAnswer)
                waiting = self._waiting.get(answer.number)
                if waiting is not None and waiting.set_running_or_notify_cancel():
                    waiting.set_result(answer)
        except ChannelClosed:
            self._gone()
