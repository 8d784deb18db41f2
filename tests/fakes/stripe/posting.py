"""Webhooks: signed events, sent to one address, with a post office that can lose, delay, double and shuffle them."""

import asyncio
import contextlib
import hashlib
import hmac
import random
import time
from collections import deque
from typing import Any

import httpx
import msgspec
from msgspec import Struct

API_VERSION = "2026-10-28.endive"


class Post(Struct, frozen=True, kw_only=True):
    """Where events go, and how badly. What happens to an event depends on the seed and its id alone."""

    url: str = ""
    """Nowhere when empty."""
    secret: str = "whsec_test"
    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    """The chance of being late by up to `seconds`."""
    reorder: float = 0.0
    """The chance of being held back until the next event has gone out, or `seconds` have passed."""
    seconds: float = 0.5
    seed: int = 0
    tries: int = 3
    """For an event that is not answered with 2xx."""


def signature(body: bytes, secret: str, *, at: int | None = None) -> str:
    """A `Stripe-Signature`."""
    at = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class PostOffice:
    """Keeps every event and sends it, unless it loses it."""

    def __init__(self) -> None:
        self.post = Post()
        self.events: deque[dict[str, Any]] = deque(maxlen=50_000)
        self.sent: deque[dict[str, Any]] = deque(maxlen=50_000)
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(8)
        self._next_out = asyncio.Event()
        self._http: httpx.AsyncClient | None = None

    def tell(self, kind: str, subject: dict[str, Any], *, at: int) -> None:
        """An event has happened."""
        self._count += 1
        event = {
            "id": f"evt_{self._count:08}",
            "object": "event",
            "api_version": API_VERSION,
            "created": at,
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
            "data": {"object": subject},
        }
        self.events.append(event)
        if self.post.url:
            self._begin(self._carry(event, self.post))

    def again(self, id_: str) -> bool:
        """Send an event once more, at once and surely; False when there is none of this id."""
        found = next((event for event in self.events if event["id"] == id_), None)
        if found is not None and self.post.url:
            self._begin(self._deliver(found, self.post))
        return found is not None

    async def settle(self) -> None:
        """Wait until nothing is on its way."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    def _begin(self, carrying: Any) -> None:
        task = asyncio.get_running_loop().create_task(carrying)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, event: dict[str, Any], post: Post) -> None:
        luck = random.Random(f"{post.seed} {event['id']}")
        dropped, doubled, late, held = (luck.random() < chance for chance in _chances(post))
        if dropped:
            self.sent.append({"event": event["id"], "kind": event["type"], "status": "dropped"})
            return
        if late:
            await asyncio.sleep(luck.random() * post.seconds)
        if held:
            waiting = self._next_out
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(waiting.wait(), post.seconds)
        for _ in range(2 if doubled else 1):
            await self._deliver(event, post)
        if not held:
            self._next_out.set()
            self._next_out = asyncio.Event()

    async def _deliver(self, event: dict[str, Any], post: Post) -> None:
        body = msgspec.json.encode(event)
        self._http = self._http or httpx.AsyncClient(timeout=5, trust_env=False, verify=False)
        for number in range(post.tries):
            headers = {"content-type": "application/json", "stripe-signature": signature(body, post.secret)}
            async with self._at_once:
                try:
                    status: int | str = (await self._http.post(post.url, content=body, headers=headers)).status_code
                except httpx.HTTPError as error:
                    status = type(error).__name__
            self.sent.append({"event": event["id"], "kind": event["type"], "status": status})
            if isinstance(status, int) and 200 <= status < 300:
                return
            await asyncio.sleep(0.1 * 2**number)


def _chances(post: Post) -> tuple[float, float, float, float]:
    return post.drop, post.duplicate, post.delay, post.reorder
