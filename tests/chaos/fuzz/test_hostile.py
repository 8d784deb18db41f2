"""Whoever wants in, or down, over real HTTP: nothing breaks, nobody comes in, nothing grows."""

import asyncio
import json
import random
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from msgspec import Struct, field

from tests.chaos.fuzz.hostile import Attacker, Target, let_in
from tests.chaos.fuzz.pipelines import ask, flood, pipeline
from tests.chaos.fuzz.wire import Wire
from tests.external.clients.programs import Program, ran, running
from tests.fakes.agent import VERSIONS, Agent, value
from tests.serving import free_port

FEW, MANY = 3_000, 100_000
FEW_PIPELINES, MANY_PIPELINES = 24, 2_000
CONNECTIONS = 12
ENOUGH = 10
"""Failures after which nothing new is learned."""
GROWTH = 15.0
"""Megabytes that a warm server may grow by: room for what allocators keep, none for a leak per request."""
A_MINUTE = 120
"""Entries that strangers may cause: at the door, by made-up calls, and on the one cart that leaked."""
HONEST = "203.0.113.200"
TABLES = ("api_keys", "console_seats", "carts", "checkouts", "flips", "replays")
"""What must have as many rows afterwards as before."""


class Siege(Struct, kw_only=True):
    """A server, and what has been tried on it."""

    port: int
    folder: Path
    program: Program
    target: Target
    key: str
    statuses: dict[str, dict[int, int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    number: int = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def go(self, until: int, seed: int) -> None:
        """Every attempt up to that number."""
        attacker = Attacker(self.target, seed)
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(self._worker(attacker, until))
        assert not self.failures, "\n\n".join(self.failures)

    async def _worker(self, attacker: Attacker, until: int) -> None:
        async with Wire(self.port) as wire:
            while self.number < until and len(self.failures) < ENOUGH:
                self.number += 1
                number = self.number
                attempt = attacker.attempt(number)
                reply = None
                try:
                    reply = await wire.ask(attempt.shot)
                    wrong = let_in(attempt, reply)
                except Exception as error:  # noqa: BLE001 -- whatever it is, it is a finding
                    wrong = f"{type(error).__name__}: {error}"
                    await wire.close()
                if reply is not None:
                    seen = self.statuses.setdefault(attempt.kind, {})
                    seen[reply.status] = seen.get(reply.status, 0) + 1
                if wrong:
                    told = b"" if reply is None else reply.body[:300]
                    self.failures.append(f"{attempt.kind} {number}: {wrong}\n{attempt.shot.wire()[:900]!r}\n{told!r}")

    def resident(self) -> float:
        """Megabytes of memory that the server holds now."""
        status = Path(f"/proc/{self.program._process.pid}/status").read_text("ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def rows(self, *tables: str) -> dict[str, int]:
        """How much is on record."""
        with closing(sqlite3.connect(self.folder / "storefront.db", timeout=120)) as database:
            return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}

    async def honest_people_are_served(self) -> None:
        """A guest still shops, and the good key is still good."""
        headers = {"x-forwarded-for": HONEST}
        client = httpx.AsyncClient(timeout=120, headers=headers)
        async with Agent(self.origin, VERSIONS[-1], client=client) as agent:
            cart = value(await agent.call("create_cart"))["cart_id"]
            value(await agent.call("add_to_cart", cart_id=cart, sku="CARE-1", quantity=2))
            assert value(await agent.call("view_cart", cart_id=cart))["lines"][0]["quantity"] == 2
        async with httpx.AsyncClient(headers=headers | {"authorization": f"Bearer {self.key}"}) as keeper:
            listed = await keeper.get(f"{self.origin}/mcp/token")
            assert [key["id"] for key in listed.json()["keys"]] == [self.key.split("_")[1]]


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """`storefront-mcp serve`, behind a proxy whose word on addresses counts."""
    folder, port = tmp_path_factory.mktemp("siege"), free_port()
    (folder / "storefront.toml").write_text(
        f'port = {port}\n[metrics]\non = true\n[[store]]\nid = "pickle"\norigin = "http://127.0.0.1:{port}"\n'
        'name = "Pickle"\ncurrency = "AUD"\nupstream = { kind = "demo" }\npayments = { provider = "sandbox" }\n',
        encoding="utf-8",
    )
    ran("phases", "open", "p1_browse", "p2_cart", "p3_checkout", cwd=folder)
    minted = ran("keys", "mint", "--label", "siege", "--scope", "manage:api_keys", "--json", cwd=folder)
    key = json.loads(minted)["token"]
    with running("serve", port=port, cwd=folder) as program:
        yield Siege(
            port=port,
            folder=folder,
            program=program,
            target=Target(host=f"127.0.0.1:{port}", cart="", key=key),
            key=key,
        )


async def with_a_cart(siege: Siege) -> None:
    """Let somebody shop whose cart's handle will leak."""
    if siege.target.cart:
        return
    async with Agent(siege.origin, VERSIONS[-1]) as agent:
        cart = value(await agent.call("create_cart"))["cart_id"]
        added = await agent.call("add_to_cart", cart_id=cart, sku="CARE-1", idempotency_key="k-1")
        assert value(added)["lines"]
    siege.target = Target(host=siege.target.host, cart=cart, key=siege.key)


async def withstands(siege: Siege, requests: int, seed: int) -> None:
    """So many attempts leave no 5xx, no entry and no growth of what is on record."""
    await with_a_cart(siege)
    before, began = siege.rows(*TABLES), time.monotonic()
    entries = siege.rows("audit")["audit"]
    await siege.go(siege.number + requests, seed)
    noise = siege.rows("audit")["audit"] - entries
    minutes = (time.monotonic() - began) / 60
    assert siege.rows(*TABLES) == before
    assert noise <= 3 * A_MINUTE * (minutes + 2), f"{noise} entries in {minutes:.1f} minutes"
    await siege.honest_people_are_served()
    assert "Traceback" not in siege.program.output, siege.program.output[-5_000:]
    assert siege.key.split("_")[2] not in siege.program.output
    assert ran("audit", "verify", cwd=siege.folder)


async def pipelines(siege: Siege, count: int, seed: int) -> None:
    """So many pipelines at once, a few at a time."""
    for first in range(0, count, CONNECTIONS):
        async with asyncio.TaskGroup() as group:
            for number in range(first, min(first + CONNECTIONS, count)):
                rng = random.Random(f"{seed}:{number}")
                group.create_task(ask(siege.port, pipeline(rng, siege.target.host), rng))


@pytest.mark.slow
async def test_pipelined_requests_are_answered_in_order_wherever_they_are_cut(
    siege: Siege, pytestconfig: pytest.Config
) -> None:
    await pipelines(siege, FEW_PIPELINES, int(pytestconfig.getoption("--fuzz-seed")))
    assert "Traceback" not in siege.program.output, siege.program.output[-5_000:]


@pytest.mark.fuzz
@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_many_pipelines_and_readers_that_never_read_leave_no_heap(
    siege: Siege, pytestconfig: pytest.Config
) -> None:
    seed = int(pytestconfig.getoption("--fuzz-seed"))
    await pipelines(siege, MANY_PIPELINES // 4, seed)
    warm = siege.resident()
    floods = [asyncio.create_task(flood(siege.port, siege.target.host)) for _ in range(3)]
    await pipelines(siege, MANY_PIPELINES, seed + 1)
    taken = await asyncio.gather(*floods)
    grown = siege.resident() - warm
    print(f"{warm:.1f} MB when warm, {grown:+.1f} MB after pipelines and floods of {taken} bytes")  # noqa: T201
    assert grown < GROWTH
    await siege.honest_people_are_served()


@pytest.mark.slow
async def test_a_few_thousand_hostile_requests_come_to_nothing(siege: Siege, pytestconfig: pytest.Config) -> None:
    await withstands(siege, FEW, int(pytestconfig.getoption("--fuzz-seed")))

    assert all(sum(seen.values()) > FEW / 50 for seen in siege.statuses.values())
    assert 401 in siege.statuses["bearer"]
    assert 200 in siege.statuses["replayed"]


@pytest.mark.fuzz
@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_hundred_thousand_hostile_requests_leave_no_trace(siege: Siege, pytestconfig: pytest.Config) -> None:
    seed = int(pytestconfig.getoption("--fuzz-seed"))
    wished = pytestconfig.getoption("--fuzz-requests")
    requests = int(wished or (MANY if pytestconfig.option.markexpr == "fuzz" else MANY // 10))
    # Its tables of clients and buckets are full once it has met as many as they hold.
    await withstands(siege, requests // 5, seed)
    warm = siege.resident()
    await withstands(siege, requests - requests // 5, seed + 1)
    grown = siege.resident() - warm
    print(f"{requests} requests: {siege.statuses}")  # noqa: T201
    print(f"{warm:.1f} MB when warm, {grown:+.1f} MB at the end; {siege.rows('audit', *TABLES)}")  # noqa: T201
    assert grown < GROWTH
