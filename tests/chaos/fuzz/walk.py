"""Many requests at one server, several at a time, each one judged."""

import asyncio
import json
import random
import re
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct, field
from msgspec.structs import replace

from tests.chaos.fuzz.assertions import Judge
from tests.chaos.fuzz.grammar import Draft, World, shot
from tests.chaos.fuzz.wire import Shot, Wire
from tests.fakes.agent import VERSIONS, Agent, value

CONNECTIONS = 12
ENOUGH = 10
"""Failures after which nothing new is learned."""
SSE_EVERY = 100
"""One in so many requests opens the older transport's stream and talks over it."""
PAIRS_EVERY = 25
"""One in so many requests leaves in one write with the one before it, which was judged already."""
PAGES = (b"application/json", b"text/event-stream")


class Walk(Struct):
    """One run: from a seed, so and so many requests."""

    port: int
    seed: int
    world: World
    pid: int = 0
    """Of the server, where it is a process of its own."""
    judge: Judge = field(default_factory=Judge)
    failures: list[str] = field(default_factory=list)
    number: int = 0

    async def go(self, until: int) -> None:
        """Send every request up to that number."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(self._worker(until))
        assert not self.failures, "\n\n".join(self.failures)

    async def _worker(self, until: int) -> None:
        async with Wire(self.port) as wire:
            while self.number < until and len(self.failures) < ENOUGH:
                self.number += 1
                await self._one(wire, self.number)

    async def _one(self, wire: Wire, number: int) -> None:
        fired = shot(self.seed, number, self.world)
        reply: Any = None
        try:
            if number % PAIRS_EVERY == 0:
                before = shot(self.seed, number - 1, self.world)
                _, reply = await wire.ask_at_once(before, fired)
            else:
                reply = await wire.ask(fired)
            if reply is not None:
                self.judge.judge(fired, reply)
            if number % SSE_EVERY == 0:
                await self._conversation(random.Random(f"{self.seed}:{number}:sse"))
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is a finding
            told = f"{reply.status} {reply.headers} {reply.body[:500]!r}" if reply else "nothing"
            self.failures.append(
                f"seed {self.seed}, request {number} ({', '.join(fired.mutations)}): {type(error).__name__}: {error}\n"
                f"sent {fired.wire()[:1000]!r}\ntold {told}"
            )
            await wire.close()

    async def _conversation(self, rng: random.Random) -> None:
        """Open a stream of the older transport, post to it, hear the answer, and vanish."""
        host = (b"Host", self.world.host.encode())
        async with Wire(self.port) as stream, Wire(self.port) as posts:
            await stream.send(Shot(verb=b"GET", target=b"/mcp/sse", headers=(host, (b"Accept", PAGES[1]))))
            opened = await stream.reply(b"GET")
            assert opened.streams, opened
            address = opened.body.partition(b"data: ")[2].strip()
            draft = Draft(rng, self.world)
            fields = (host, (b"Content-Type", PAGES[0]))
            whole = rng.random() < 0.7
            body = json.dumps(draft.message).encode()[: None if whole else -1]
            reply = await posts.ask(Shot(target=address, headers=fields, body=body))
            if whole:
                assert (reply.status, reply.body) == (202, b""), reply
                async with asyncio.timeout(60):
                    told = json.loads(await stream.event())
                assert told["id"] == draft.message["id"], told
                assert "error" not in told or told["error"]["code"] in {-32601, -32602, -32002, -32603}, told
                assert "on our side" not in json.dumps(told), told
            else:
                assert (reply.status, json.loads(reply.body)["error"]["code"]) == (400, -32700), reply

    def resident(self) -> float:
        """Megabytes of memory that the server holds now."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text("ascii"))
        assert found
        return int(found[1]) / 1024


async def listed(origin: str) -> World:
    """What any catalogue has to ask for, by its lists."""
    async with Agent(origin, VERSIONS[-1]) as agent:
        tools = await agent.tools()
        resources = (await agent.ask("resources/list"))["result"]["resources"]
        prompts = (await agent.ask("prompts/list"))["result"]["prompts"]
    return World(
        host=httpx.URL(origin).netloc.decode(),
        tools=tools,
        uris=[one["uri"] for one in resources],
        prompts=[one["name"] for one in prompts],
    )


async def learned(origin: str) -> World:
    """A normal journey over the newest version, which also tells what there is to ask for."""
    async with Agent(origin, VERSIONS[-1]) as agent:
        found = value(await agent.call("search_products", page_size=50))
        skus = [product["sku"] for product in found["products"]]
        carts, lines = [], []
        for sku in ("CARE-1", "BALL-1", *skus[:5]):
            cart = value(await agent.call("create_cart"))["cart_id"]
            carts.append(cart)
            added = await agent.call("add_to_cart", cart_id=cart, sku=sku)
            if not added["isError"]:
                lines += [line["line_id"] for line in value(added)["lines"]]
        categories = value(await agent.call("list_categories"))["categories"]
    return replace(
        await listed(origin),
        skus=skus,
        carts=carts,
        lines=lines,
        categories=[str(one.get("path") or one["id"]) for one in categories],
        cursors=[found["next_cursor"]],
    )
