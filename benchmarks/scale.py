"""What a row more costs: cart handles and idempotency records with a thousand and with a million rows in their tables.

`python -m benchmarks.scale [--rows N] [--rounds N]`, or `make bench ARGS=--scale`. SQLite in a temporary folder,
through the repositories that tool calls use, sweeps included. Processor time of the whole process, each size asked in
turn, medians of the rounds; only ratios within a run are worth anything. Bytes are the file's, indexes included.
"""

import asyncio
import random
import secrets
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
from msgspec import Struct
from sqlalchemy import Table

from benchmarks.catalogue import CatalogueFigure as Figure, table
from storefront_mcp.calls.idempotency import IdempotentCall
from storefront_mcp.commerce.guest_carts import CartRecord
from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.database.cart_handles import SqlCartHandleRepository
from storefront_mcp.database.engine import Database
from storefront_mcp.database.idempotency import SqlIdempotencyRepository
from storefront_mcp.database.row_quota import SWEEP_INTERVAL_WRITES, RowQuota
from storefront_mcp.database.tables.cart_handles import CARTS
from storefront_mcp.database.tables.idempotency import REPLAYS

STORE: Final = StoreId("bench")
FEW: Final = 1_000
MANY: Final = 1_000_000
REPEATS: Final = 2 * SWEEP_INTERVAL_WRITES
"""Of each operation in a round: each round holds two sweeps."""
BATCH: Final = 20_000
ANSWER_BYTES: Final = 600
"""Of a cart with one line, encrypted."""
MOST: Final = 1.5
"""Times that a full table may cost: a tree of a million rows is one or two levels higher."""
UNBOUNDED: Final = RowQuota(per_holder=10**9, in_all=10**9)
"""So that the full table stays full; sweeps look all the same."""


class FilledTables(Struct, frozen=True):
    """One database with so many rows in each of the two tables."""

    rows: int
    carts: SqlCartHandleRepository
    answers: SqlIdempotencyRepository
    handles: Sequence[CartId]
    """Of some of its carts."""
    bytes_per_row: float


def filled(folder: Path, rows: int) -> FilledTables:
    """A database with as many carts, and as many answers."""
    path = folder / f"{rows}.db"
    database = Database(path)
    empty = path.stat().st_size
    now = int(time.time())

    def cart(_: int) -> dict[str, Any]:
        return {
            "key": secrets.token_bytes(32),
            "store": STORE,
            "upstream": secrets.token_urlsafe(24),
            "lines": b'[{"sku":"TEE-BLACK-M","quantity":2}]',
            "expires_at": now + random.randrange(86_400, 30 * 86_400),
            "holder": secrets.token_bytes(12),
            "owner": None,
        }

    def answer(_: int) -> dict[str, Any]:
        return {
            "key": secrets.token_bytes(32),
            "arguments": secrets.token_bytes(32),
            "state": "answered",
            "answer": secrets.token_bytes(ANSWER_BYTES),
            "lease_until": now,
            "expires_at": now + random.randrange(3_600, 86_400),
            "holder": secrets.token_bytes(12),
        }

    for kind, row in ((CARTS, cart), (REPLAYS, answer)):
        _fill(database, kind, row, rows)
    carts = SqlCartHandleRepository(database, quota=UNBOUNDED)
    with database.writing(survives="power"):
        pass
    held = path.stat().st_size - empty
    handles = [CartId(secrets.token_urlsafe(16)) for _ in range(REPEATS)]
    for handle in handles:
        asyncio.run(carts.put(_record(handle)))
    answers = SqlIdempotencyRepository(database, quota=UNBOUNDED)
    return FilledTables(rows, carts, answers, handles, held / rows)


def _fill(database: Database, kind: Table, row: Callable[[int], dict[str, Any]], rows: int) -> None:
    for begin in range(0, rows, BATCH):
        with database.writing() as connection:
            connection.execute(kind.insert(), [row(place) for place in range(begin, min(rows, begin + BATCH))])


def _record(handle: CartId) -> CartRecord:
    return CartRecord(store=STORE, handle=handle, upstream=CartId("x" * 32), expires_at=int(time.time()) + 86_400)


def _call(key: str) -> IdempotentCall:
    return IdempotentCall(store=STORE, tool="add_to_cart", owner="cart:x", key=key, arguments=b"{}", repeats=False)


async def operations(tables: FilledTables) -> dict[str, float]:
    """Microseconds of processor time for each operation, in one round."""
    keys = [secrets.token_hex(8) for _ in range(REPEATS)]
    body = b"x" * ANSWER_BYTES
    return {
        "cart handle, read": await cost(lambda place: tables.carts.find(STORE, tables.handles[place])),
        "cart handle, written": await cost(lambda place: tables.carts.put(_record(tables.handles[place]))),
        "new cart": await cost(lambda _: tables.carts.put(_record(CartId(secrets.token_urlsafe(16))))),
        "idempotency key, claimed": await cost(lambda place: tables.answers.claim(_call(keys[place]))),
        "its answer, stored": await cost(lambda place: tables.answers.store_answer(_call(keys[place]), body)),
        "its answer, replayed": await cost(lambda place: tables.answers.claim(_call(keys[place]))),
    }


async def cost(act: Callable[[int], Awaitable[object]]) -> float:
    """Microseconds of processor time of one of `REPEATS`."""
    began = time.process_time()
    for place in range(REPEATS):
        await act(place)
    return (time.process_time() - began) / REPEATS * 1e6


def figures(rows: int, rounds: int) -> Iterator[Figure]:
    """Every row of the table, those with a mark judged."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = [filled(Path(folder), few) for few in (min(FEW, rows), rows)]
        found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        for _ in range(rounds):
            for tables in sizes:
                for name, micros in asyncio.run(operations(tables)).items():
                    found[name][tables.rows].append(micros)
    few, many = sizes
    yield Figure(f"bytes a cart and an answer take, at {rows:,} rows", f"{many.bytes_per_row:,.0f}")
    for name, by_rows in found.items():
        small, large = (statistics.median(by_rows[tables.rows]) for tables in (few, many))
        yield Figure(f"{name}, µs CPU at {few.rows:,} rows", f"{small:,.0f}")
        yield Figure(f"{name}, µs CPU at {rows:,} rows", f"{large:,.0f}")
        yield Figure(f"{name}, of the same", f"{large / small:.2f}", f"≤ {MOST}", large / small <= MOST)


@click.command()
@click.option("--rows", default=MANY, show_default=True, type=click.IntRange(2), help="Of the full tables.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50), help="Interleaved rounds.")
def main(rows: int, rounds: int) -> None:
    """Measure and print."""
    for line in table(figures(rows, rounds)):
        click.echo(line)


if __name__ == "__main__":
    main()
