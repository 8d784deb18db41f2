"""What we promised ourselves, and whether a run kept it."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from benchmarks.asks import CALL, CALL_MODERN, CUSTOMER_CALL, LIST, UCP_CALL, UCP_POST
from benchmarks.results import Results, load_name
from benchmarks.servers import ENC, LITESTAR, MIRRORED, OURS, PRE, REMEMBERED, SDK, SERVERS, SIGNING_IN

AT: Final = 16
"""Connections at which the targets hold."""
MOST_FOR_UCP: Final = 1.3
"""Times that a search by another protocol may cost of what the tool itself does."""
MOST_FOR_GUESTS: Final = 1.05
"""Times that a guest's call may cost where customers can sign in: as much, but for what two starts differ by."""
MOST_FOR_CUSTOMERS: Final = 2.0
"""Times that a customer's call may cost of a guest's where neither asks a shop: the token's checksum and
digest, a look at what is cached, one limit more."""
MOST_MORE_MB: Final = 60.0
MOST_LATER_SECONDS: Final = 0.05
"""That a mirror may cost a worker."""
SDKS: Final = tuple(server.name for server in SERVERS if server.name.startswith(SDK.name))


class Target(Struct, frozen=True):
    """A sentence, what was wanted and what came out."""

    says: str
    wanted: str
    found: str
    met: bool


def judged(results: Results) -> list[Target]:
    """Every target that this run measured what it needs for."""
    return [*_rates(results), *_sign_in(results), *_costs(results)]


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
    for says, server, other, most in (
        ("a call from the memory, against one that asks nobody", REMEMBERED, OURS, 1.10),
        ("a call from the memory, against a bare ASGI function that encodes the same answer", REMEMBERED, ENC, 1.15),
        ("a search of the mirror that was made before, against a call that asks nobody", MIRRORED, OURS, 1.15),
    ):
        ratio = results.ratio(other.name, server.name, load_name(CALL.name, AT))
        if ratio is not None:
            yield _at_most(says, most, ratio)
    for ask in (CALL, CALL_MODERN):
        ratio = results.ratio(OURS.name, SDK.name, load_name(ask.name, AT, shop=True))
        if ratio is not None:
            yield _times(f"a call that asks the shop at {ask.version}, against the official SDK with httpx", 5.0, ratio)


def _sign_in(results: Results) -> Iterator[Target]:
    for ask in (CALL, CALL_MODERN):
        ratio = results.ratio(OURS.name, SIGNING_IN.name, load_name(ask.name, AT))
        if ratio is not None:
            says = f"a guest's call at {ask.version} where customers can sign in, against where they cannot"
            yield _at_most(says, MOST_FOR_GUESTS, ratio)
    name, guest, customer = SIGNING_IN.name, load_name(CALL.name, AT), load_name(CUSTOMER_CALL.name, AT)
    ratio = results.ratio(name, name, guest, other_load=customer)
    if ratio is not None:
        yield _at_most("a customer's call, against a guest's at the same store", MOST_FOR_CUSTOMERS, ratio)


def _costs(results: Results) -> Iterator[Target]:
    load = load_name(CALL.name, AT)
    ours, limit = (results.middle(name, load, "p99") for name in (OURS.name, ENC.name))
    if ours is not None and limit is not None:
        yield Target("p99 of tools/call", f"≤ {limit + 1:.1f} ms (bare + 1)", f"{ours:.1f} ms", ours <= limit + 1)
    own = results.middle(OURS.name, load, "cpu")
    for ask in (UCP_CALL, UCP_POST):
        spent = results.middle(OURS.name, load_name(ask.name, AT), "cpu")
        if own is not None and spent is not None:
            yield _at_most(f"a search by {ask.version}, against tools/call", MOST_FOR_UCP, spent / own)
    resident = results.resident(OURS.name)
    if resident is not None:
        yield Target("memory after load", "< 80 MB", f"{resident:.0f} MB", resident < 80)  # noqa: PLR2004 -- the target
    mirrored = results.resident(MIRRORED.name)
    if resident is not None and mirrored is not None:
        more = mirrored - resident
        yield Target(
            "memory with a mirror of 20,000", f"≤ {MOST_MORE_MB:.0f} MB more", f"{more:.0f} MB", more <= MOST_MORE_MB
        )
    first, bare = results.first_answer(OURS.name), results.first_answer(LITESTAR.name)
    if first is not None and bare is not None:
        wanted = bare + 0.5
        yield Target("first answer", f"≤ {wanted:.2f} s (bare Litestar + 0.5)", f"{first:.2f} s", first <= wanted)
    later = results.first_answer(MIRRORED.name)
    if first is not None and later is not None:
        more, most = later - first, MOST_LATER_SECONDS
        yield Target("first answer with a mirror of 20,000", f"≤ {most:.2f} s later", f"{more:.2f} s", more <= most)


def _times(says: str, wanted: float, found: float) -> Target:
    return Target(says, f"≥ {wanted:.0f} times", f"{found:.1f} times", found >= wanted)


def _at_most(says: str, most: float, found: float) -> Target:
    return Target(f"{says}, in processor time", f"≤ {most:.2f} times", f"{found:.2f} times", found <= most)
