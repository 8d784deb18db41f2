"""What we promised ourselves, and whether a run kept it."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from benchmarks.asks import CALL, CALL_MODERN, LIST
from benchmarks.results import Results, load_name
from benchmarks.servers import ENC, LITESTAR, OURS, PRE, REMEMBERED, SDK, SERVERS

AT: Final = 16
"""Connections at which the targets hold."""
SDKS: Final = tuple(server.name for server in SERVERS if server.name.startswith(SDK.name))


class Target(Struct, frozen=True):
    """A sentence, what was wanted and what came out."""

    says: str
    wanted: str
    found: str
    met: bool


def judged(results: Results) -> list[Target]:
    """Every target that this run measured what it needs for."""
    return [*_rates(results), *_costs(results)]


def _rates(results: Results) -> Iterator[Target]:
    for ask, wanted in ((CALL, 11.0), (CALL_MODERN, 8.0)):
        ratios = [results.ratio(OURS.name, sdk, load_name(ask.name, AT)) for sdk in SDKS]
        found = [ratio for ratio in ratios if ratio is not None]
        if found:
            yield _times(
                f"tools/call at {ask.version}, against the official Python SDK's best mode", wanted, min(found)
            )
    for says, ask, limit, share in (
        ("tools/call, of a bare ASGI function that encodes the same answer", CALL, ENC, 0.8),
        ("tools/list, of a bare ASGI function that sends prepared bytes", LIST, PRE, 0.9),
    ):
        ratio = results.ratio(OURS.name, limit.name, load_name(ask.name, AT))
        if ratio is not None:
            yield Target(says, f"≥ {share:.0%}", f"{ratio:.0%}", ratio >= share)
    for says, other, most in (
        ("a call from the memory, against one that asks nobody", OURS, 1.10),
        ("a call from the memory, against a bare ASGI function that encodes the same answer", ENC, 1.15),
    ):
        ratio = results.ratio(other.name, REMEMBERED.name, load_name(CALL.name, AT))
        if ratio is not None:
            yield Target(f"{says}, in processor time", f"≤ {most:.2f} times", f"{ratio:.2f} times", ratio <= most)
    for ask in (CALL, CALL_MODERN):
        ratio = results.ratio(OURS.name, SDK.name, load_name(ask.name, AT, shop=True))
        if ratio is not None:
            yield _times(f"a call that asks the shop at {ask.version}, against the official SDK with httpx", 5.0, ratio)


def _costs(results: Results) -> Iterator[Target]:
    load = load_name(CALL.name, AT)
    ours, limit = (results.middle(name, load, "p99") for name in (OURS.name, ENC.name))
    if ours is not None and limit is not None:
        yield Target("p99 of tools/call", f"≤ {limit + 1:.1f} ms (bare + 1)", f"{ours:.1f} ms", ours <= limit + 1)
    resident = results.resident(OURS.name)
    if resident is not None:
        yield Target("memory after load", "< 80 MB", f"{resident:.0f} MB", resident < 80)  # noqa: PLR2004 -- the target
    first, bare = results.first_answer(OURS.name), results.first_answer(LITESTAR.name)
    if first is not None and bare is not None:
        wanted = bare + 0.5
        yield Target("first answer", f"≤ {wanted:.2f} s (bare Litestar + 0.5)", f"{first:.2f} s", first <= wanted)


def _times(says: str, wanted: float, found: float) -> Target:
    return Target(says, f"≥ {wanted:.0f} times", f"{found:.1f} times", found >= wanted)
