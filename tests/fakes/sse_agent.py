"""The buyer agent of the tests over the older HTTP+SSE transport: it posts here and hears there."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any, Self

import httpx

from tests.fakes.agent import Agent, Json

PATIENCE = 120.0


class SseAgent(Agent):
    """One client with one open stream."""

    def __init__(self, origin: str, version: str) -> None:
        super().__init__(origin, version)
        self._origin = origin
        self._stream = contextlib.AsyncExitStack()
        self._reading: asyncio.Task[None] | None = None
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answers: dict[Any, asyncio.Future[Json]] = {}

    async def __aenter__(self) -> Self:
        opened = await self._stream.enter_async_context(self._client.stream("GET", f"{self._origin}/mcp/sse"))
        assert opened.headers["content-type"] == "text/event-stream"
        self._reading = asyncio.create_task(self._read(opened))
        async with asyncio.timeout(PATIENCE):
            await self._address
        return await super().__aenter__()

    async def __aexit__(self, *error: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        await self._stream.aclose()
        await super().__aexit__(*error)

    async def post(self, message: Json, headers: Mapping[str, str] = {}) -> httpx.Response:
        """Post a message to the address that the stream named."""
        return await self._client.post(f"{self._origin}{await self._address}", json=message, headers=headers)

    async def ask(self, method: str, **params: Any) -> Json:
        """Post a request and wait for its answer on the stream."""
        message: Json = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        answer = self._answers[message["id"]] = asyncio.get_running_loop().create_future()
        taken = await self.post(message)
        assert (taken.status_code, taken.content) == (202, b""), taken.text
        async with asyncio.timeout(PATIENCE):
            return await answer

    async def _read(self, opened: httpx.Response) -> None:
        kind = ""
        async for line in opened.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind == "endpoint":
                self._address.set_result(value)
            elif name == "data":
                told = json.loads(value)
                self._answers[told["id"]].set_result(told)
