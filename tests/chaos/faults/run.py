"""One fault run: set the world up, let people loose on it while it breaks, mend it, wait, and audit."""

import asyncio
import contextlib
import itertools
import resource
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import aiohttp
from msgspec import Struct

from storefront_mcp.checkout.operator import resolve
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.states import TERMINAL_STATES, TRANSITIONS
from storefront_mcp.database import Database
from storefront_mcp.database.checkouts import SqlCheckoutRepository
from tests.chaos.faults.audit import (
    AGREED,
    FAULT,
    PERSONAL,
    STRANGERS,
    TRUE,
    WISH,
    Books,
    excused,
    is_dearer,
    reference_of,
    several,
    violations,
    with_references,
)
from tests.chaos.faults.environment import SECRET, World, world
from tests.chaos.faults.operators import Operators
from tests.chaos.faults.people import Person
from tests.chaos.faults.report import Report
from tests.chaos.faults.session_audit import LastLook, not_agreed, untrue, untrue_tasks
from tests.chaos.faults.shopper import ADDRESS, GOODS
from tests.chaos.faults.software import SOFTWARE
from tests.chaos.faults.tally import Tally
from tests.fakes.stripe.control import FakeStripe
from tests.fakes.stripe.faults import Fault
from tests.fakes.stripe.posting import Post

PATIENCE = 300.0
"""Seconds that the reconciler has, once everything works again."""
SLOWEST = 8.0
"""Seconds that the shop may take to make an order: longer than it is waited for, and shorter than is settled for."""
STUMBLES = ("BEFORE", "SLOW", "HTML", "TRUNCATED", "CLOSED", "GONE")
STRIPE_FAULTS = {
    Fault.DOWN: 0.01,
    Fault.LIMITED: 0.005,
    Fault.LOST: 0.01,
    Fault.SLOW: 0.005,
    Fault.BROKEN: 0.005,
    Fault.ACTED_BROKEN: 0.01,
    Fault.ACTED_LOST: 0.01,
    Fault.ACTED_SLOW: 0.005,
    Fault.GARBAGE: 0.005,
}
RESTOCKED = 10_000_000
STEP = 500
"""Checkouts between two words of how far it is."""


class Plan(Struct, frozen=True, kw_only=True):
    """What to do; times in seconds."""

    checkouts: int
    seed: int
    at_once: int = 24
    """People who shop at the same time."""
    kill_every: float = 10.0
    """Between two deaths of a worker, on average."""
    act_every: float = 10.0
    """Between two acts of operators: pauses, stops, new prices, full disks, foreign databases."""
    seconds: float = 3 * 3600.0
    """After so long nobody begins any more."""
    shop: str = "maho"
    """A kind of `SOFTWARE`."""


async def run(folder: Path, plan: Plan, *, tell: Callable[[str], None] = lambda _: None) -> Report:
    """Order so many times, with everything that the seed draws. Logs and the database are left in `folder`.

    `tell` hears now and then how far it is.
    """
    began, spent = time.monotonic(), _processor()
    tally = Tally()
    async with world(folder, software=SOFTWARE[plan.shop]()) as here, contextlib.AsyncExitStack() as closing:
        stripe = FakeStripe(here.stripe)
        closing.push_async_callback(stripe.close)
        for sku in GOODS:
            await here.meddle("stock", {"sku": sku, "pieces": RESTOCKED})
        operators = Operators(here, Random(f"{plan.seed} operators"), every=plan.act_every)
        async with _broken(here, stripe, plan, operators):
            await _crowd(here, stripe, plan, tally, tell)
        alone = time.monotonic()
        await here.restart()
        with _records(here) as records:
            await _settled(records)
            alone = time.monotonic() - alone
            ended = await records.list_by_state(None, list(TRANSITIONS), limit=1_000_000)
            orders = with_references((await here.meddle("books"))["orders"], ended)
            called_off = await _called_off(records, stripe, ended) if here.software.prices_anew else set()
            orders = [order for order in orders if reference_of(order) not in called_off]
            books = Books(orders=orders, ledger=(await stripe.books())["ledger"])
            refunded = await _refunded(records, books)
            ended = await records.list_by_state(None, list(TRANSITIONS), limit=1_000_000)
        last = LastLook(here, stripe, tally, plan.seed)
        await last.all()
        found = violations(ended, books, refunded=refunded)
        found[WISH] += several(ended, tally.several)
        found[TRUE] += [*last.unread, *untrue(tally.sessions, last.shown, tally.pages, ended)]
        found[TRUE] += untrue_tasks(tally.tasks, last.tasks, ended)
        found[AGREED] += not_agreed(tally.sessions, tally.confirmed, ended)
        found[STRANGERS] += tally.strangers
        found[FAULT] += [*tally.faults, *operators.complaints]
        found[PERSONAL] += here.told((str(ADDRESS["last_name"]), str(ADDRESS["street"]), "@example.com", "%40example"))
        faults = Counter(str(call["fault"]) for call in await stripe.requests() if call["fault"])
    return Report(
        seed=plan.seed,
        checkouts=len(ended),
        states=Counter(one.state for one in ended),
        currencies=tally.currencies,
        begun=tally.begun,
        finished={name: len(checkouts) for name, checkouts in tally.finished.items()},
        mixed=tally.mixed,
        sessions=len(tally.sessions),
        tasks=len(tally.tasks),
        stories=tally.stories,
        orders=len(books.orders),
        asked_twice=sum(one.place_try > 1 for one in ended),
        refunded=len(refunded),
        called_off=len(called_off),
        kills=here.kills,
        freezes=here.freezes,
        acts=operators.acts,
        stripe_faults=faults,
        violations=found,
        seconds=round(time.monotonic() - began, 1),
        settling=round(alone, 1),
        processor=round(_processor() - spent, 1),
    )


@contextlib.asynccontextmanager
async def _broken(here: World, stripe: FakeStripe, plan: Plan, operators: Operators) -> AsyncIterator[None]:
    """For as long as the block lasts a share of everything fails, workers die, and operators act."""
    await here.meddle(
        "chance",
        {
            "seed": plan.seed,
            "share": 0.2,
            "faults": here.software.order_faults,
            "path": here.software.order_path,
            "seconds": SLOWEST,
        },
    )
    await stripe.break_by_chance(STRIPE_FAULTS, seed=plan.seed, seconds=2.0)
    hooks = f"http://{here.host('aud')}/webhooks/stripe"
    badly = {"drop": 0.2, "duplicate": 0.2, "delay": 0.3, "reorder": 0.2}
    await stripe.post(Post(url=hooks, secret=SECRET, seed=plan.seed, seconds=2.0, tries=2, **badly))
    async with asyncio.TaskGroup() as group:
        breaking = [
            group.create_task(here.hurt_some(Random(f"{plan.seed} kills"), every=plan.kill_every)),
            group.create_task(operators.work()),
            group.create_task(_stumbling(here, Random(f"{plan.seed} stumbles"))),
        ]
        yield
        for one in breaking:
            one.cancel()
    await here.meddle("calm", {})
    await stripe.mend()


async def _stumbling(here: World, random: Random) -> None:
    """Until cancelled: now and then the shop fails at something else than an order."""
    while True:
        await asyncio.sleep(random.uniform(0.2, 1.5))
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            stumble = {"fault": random.choice(STUMBLES), "path": here.software.cart_path, "seconds": 3.0}
            await here.meddle("faults", stumble)


async def _crowd(here: World, stripe: FakeStripe, plan: Plan, tally: Tally, tell: Callable[[str], None]) -> None:
    """People come until there are enough checkouts, or the time is over."""
    random, began = Random(plan.seed), time.monotonic()
    steps = itertools.count(STEP, STEP)
    step = next(steps)

    async def people() -> None:
        nonlocal step
        while len(tally.checkouts) < plan.checkouts and time.monotonic() < began + plan.seconds:
            await Person(here, stripe, Random(random.getrandbits(64)), tally).live()
            if len(tally.checkouts) >= step:
                tell(f"{step} checkouts after {time.monotonic() - began:.0f} s")
                step = next(steps)

    await asyncio.gather(*(people() for _ in range(plan.at_once)))


async def _settled(records: SqlCheckoutRepository) -> None:
    """Wait for the reconciler to bring everything to its end: nobody helps it."""
    live = [state for state in TRANSITIONS if state not in TERMINAL_STATES and state != "needs_human"]
    deadline = time.monotonic() + PATIENCE
    while await records.list_by_state(None, live, limit=1) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.5)  # other processes are working


async def _called_off(records: SqlCheckoutRepository, stripe: FakeStripe, ended: Sequence[Checkout]) -> set[str]:
    """Do a person's work for orders that became dearer: the shop takes them back, and what is held is let go."""
    dearer = [one for one in ended if is_dearer(one)]
    for one in dearer:
        await stripe.lapse(str(one.payment))
        await resolve(records, one.store, one.id, "refunded", by="faults", now=time.time())
    return {one.id for one in dearer}


async def _refunded(records: SqlCheckoutRepository, books: Books) -> dict[str, str | None]:
    """Do a person's work for those that rightly wait for one; the payments that were given back, and why."""
    waiting = [one for one in await records.list_by_state(None, ["needs_human"], limit=1_000) if excused(one, books)]
    for one in waiting:
        await resolve(records, one.store, one.id, "refunded", by="faults", now=time.time())
    return {str(one.payment): one.reason for one in waiting}


@contextlib.contextmanager
def _records(here: World) -> Iterator[SqlCheckoutRepository]:
    database = Database(here.settings.database)
    try:
        yield SqlCheckoutRepository(database)
    finally:
        database.close()


def _processor() -> float:
    """Seconds that we and the processes that have ended have used."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)
