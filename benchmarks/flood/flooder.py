"""`python -m benchmarks.flood.flooder PORT ROUTE SECONDS`: one address that asks as fast as its connections let it.

Prints how often it was answered, by status, as JSON.
"""

import asyncio
import contextlib
import json
import sys
from collections import Counter
from typing import Final

from benchmarks.flood.routes import ROUTES, Route

ADDRESS: Final = "127.0.0.66"
CONNECTIONS: Final = 64
ANSWER_SECONDS: Final = 5.0


async def flood(port: int, route: Route, seconds: float) -> Counter[str]:
    """Flood one route; the answers by status."""
    seen: Counter[str] = Counter()
    until = asyncio.get_running_loop().time() + seconds
    await asyncio.gather(*(_connection(port, route, seen, until) for _ in range(CONNECTIONS)))
    return seen


async def _connection(port: int, route: Route, seen: Counter[str], until: float) -> None:
    clock = asyncio.get_running_loop().time
    while clock() < until:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ADDRESS, 0))
        except OSError:
            seen["refused"] += 1
            await asyncio.sleep(0.05)
            continue
        try:
            with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError):
                while clock() < until:
                    async with asyncio.timeout_at(min(until, clock() + ANSWER_SECONDS)):
                        writer.write(route.request(f"127.0.0.1:{port}"))
                        seen[await _answer(reader, whole=not route.holds)] += 1
                        if route.holds:
                            await reader.read()
                            break
        finally:
            writer.transport.abort()


async def _answer(reader: asyncio.StreamReader, *, whole: bool) -> str:
    """The status of an answer; its body is read where it has an end."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = head.split(b" ", 2)[1].decode()
    if whole:
        if b"content-length:" in head:
            await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        if b"connection: close" in head or b"transfer-encoding" in head:
            raise EOFError
    return status


if __name__ == "__main__":
    port, name, seconds = sys.argv[1:]
    (route,) = (one for one in ROUTES if one.name == name)
    print(json.dumps(asyncio.run(flood(int(port), route, float(seconds)))))
