"""Requests that are sent before the ones ahead of them are answered, and the order in which answers have to come."""

import asyncio
import contextlib
import json
import random
from typing import Final

from msgspec import Struct

from tests.chaos.fuzz.hostile import address
from tests.chaos.fuzz.wire import PATIENCE, Shot, Wire

MAX_REQUESTS: Final = 60
MAX_CUTS: Final = 40
FLOOD_BYTES: Final = 24_000_000
STALL_SECONDS: Final = 5.0
"""After which a server that takes nothing more has surely stopped reading."""


class ExpectedAnswer(Struct, frozen=True):
    """A request of a pipeline, and what tells its answer from all others."""

    shot: Shot
    number: int
    """The JSON-RPC id that comes back; -1 where there is none."""


def pipeline(rng: random.Random, host: str) -> list[ExpectedAnswer]:
    """Requests of every framing, each with an address of its own so that limits refuse none."""
    return [_request(rng, host, number) for number in range(rng.randint(1, MAX_REQUESTS))]


def _request(rng: random.Random, host: str, number: int) -> ExpectedAnswer:
    headers = ((b"Host", host.encode()), (b"X-Forwarded-For", address(rng).encode()))
    kind = rng.choice(("ping", "ping", "chunked", "health", "head", "nowhere"))
    if kind in {"ping", "chunked"}:
        body = json.dumps(
            {"jsonrpc": "2.0", "id": number, "method": "ping", "params": {"x": "y" * rng.randint(0, 3_000)}}
        )
        fields = (*headers, (b"Content-Type", b"application/json"), (b"Accept", b"application/json, text/event-stream"))
        return ExpectedAnswer(Shot(headers=fields, body=body.encode(), chunked=kind == "chunked"), number)
    verb, target = {"health": (b"GET", b"/healthz"), "head": (b"HEAD", b"/healthz")}.get(kind, (b"GET", b"/nowhere"))
    return ExpectedAnswer(Shot(verb=verb, target=target, headers=headers), -1)


async def ask(port: int, asked: list[ExpectedAnswer], rng: random.Random) -> None:
    """Write all of them, cut anywhere, while the answers are read: one each, in order, to the right request."""
    whole = b"".join(one.shot.wire() for one in asked)
    cuts = sorted(rng.randrange(1, len(whole)) for _ in range(rng.randint(0, MAX_CUTS)))
    async with asyncio.timeout(PATIENCE), Wire(port) as wire:
        writing = asyncio.create_task(
            wire.write(*(whole[one:other] for one, other in zip([0, *cuts], [*cuts, None], strict=True)))
        )
        await wire.opened.wait()
        for one in asked:
            reply = await wire.reply(one.shot.verb)
            assert 200 <= reply.status < 500, f"{one.shot.verb!r} {one.shot.target!r}: {reply.status}"
            if one.shot.target == b"/healthz":
                assert reply.status == 200
                assert (reply.body == b"") is (one.shot.verb == b"HEAD")
            if one.number >= 0 and reply.status == 200:
                assert json.loads(reply.body)["id"] == one.number
        await writing


async def flood(port: int, host: str) -> int:
    """Pipeline requests and read no answer; the bytes that were taken, up to `FLOOD_BYTES`."""
    request = b"GET /healthz HTTP/1.1\r\nHost: " + host.encode() + b"\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    heap, taken = request * (64_000 // len(request)), 0
    try:
        with contextlib.suppress(TimeoutError, ConnectionError):
            while taken < FLOOD_BYTES:
                writer.write(heap)
                async with asyncio.timeout(STALL_SECONDS):
                    await writer.drain()
                taken += len(heap)
    finally:
        writer.transport.abort()
    return taken
