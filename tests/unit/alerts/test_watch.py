"""Each condition is told once, reminded of daily and resolved once, whoever sees it and however often they restart."""

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace
from sqlalchemy import delete, insert, update

from storefront_mcp.alerts.dispatcher import LEASE_SECONDS, PAUSES_SECONDS, AlertDispatcher
from storefront_mcp.alerts.sender import AlertUndelivered
from storefront_mcp.app import alert_watch
from storefront_mcp.app.alert_watch import AlertWatch, AuditChainWalk, ObservedServer, ObservedStore
from storefront_mcp.app.database_outage import DatabaseOutage
from storefront_mcp.backends.probe import ProbeFailed, ProbeResponse
from storefront_mcp.checkout.record import State
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database, SqlCheckoutRepository, audit as audit_module
from storefront_mcp.database.alerts import SqlAlertRepository
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.engine import utc_now
from storefront_mcp.database.flips import SqlFlipRepository
from storefront_mcp.database.order_events import SqlOrderEventQueue
from storefront_mcp.database.tables.audit import AUDIT, AUDIT_HEAD
from storefront_mcp.database.tables.order_events import ORDER_EVENTS
from storefront_mcp.records.alerts import REMINDER_SECONDS, AlertKey, AlertMessage
from storefront_mcp.records.audit import operator_entry
from storefront_mcp.roadmap.terms import NO_TERMS
from storefront_mcp.web.payment_webhook import WebhookRefusals
from tests.fakes.memory_backend import roadmap
from tests.unit.checkout.environment import Clock
from tests.unit.database.test_checkouts import checkout
from tests.unit.records.test_chain import tamper

pytestmark = pytest.mark.slow

PICKLE, PADDLE = StoreId("pickle"), StoreId("paddle")


class Probe:
    """A shop that is asked."""

    address = "http://shop.test"

    def __init__(self) -> None:
        self.responses: list[ProbeResponse] = []
        self.status = 200
        self.away = False

    async def hello(self) -> ProbeResponse:
        if self.away:
            raise ProbeFailed(self.address, "nobody listens", "")
        answer = ProbeResponse(url="", status=self.status, media_type="", headers={}, body=b"", seconds=0.0)
        self.responses.append(answer)
        return answer

    async def close(self) -> None:
        """Nothing is open."""


class Told(NamedTuple):
    status: str
    condition: str
    store: str


class Box:
    """Takes messages, or fails as told."""

    def __init__(self) -> None:
        self.messages: list[AlertMessage] = []
        self.fails: list[AlertUndelivered] = []
        self.ids: list[str] = []

    async def send(self, message: AlertMessage) -> str:
        self.ids.append(message.id)
        if self.fails:
            raise self.fails.pop(0)
        self.messages.append(message)
        return "taken"

    @property
    def told(self) -> list[Told]:
        return [Told(one.status, one.condition, one.store) for one in self.messages]


class Worker:
    """One worker of two stores, in one database with others."""

    def __init__(self, desk: "Desk", *, leads: bool) -> None:
        self.leads = leads
        self.circuits = {PICKLE: False, PADDLE: False}
        self.audit_failing = False
        self.refusals = WebhookRefusals(now=desk.clock)
        self.outage = DatabaseOutage({"webhook": desk.box}, now=desk.clock)
        server = ObservedServer(
            stores=[
                ObservedStore(
                    id=store,
                    circuit_open=lambda store=store: self.circuits[store],
                    probe=desk.probes[store],  # type: ignore[arg-type]
                    gets_webhooks=True,
                )
                for store in (PICKLE, PADDLE)
            ],
            leads=lambda: self.leads,
            database_problem=lambda: desk.problem,
            audit_failing=lambda: self.audit_failing,
            refused_flips=desk.flips.refused_schedule,
            folder=desk.folder,
            channels=["webhook"],
        )
        self.watch = AlertWatch(
            server,
            desk.repository,
            checkouts=desk.checkouts,
            chain=AuditChainWalk(AuditLog(desk.database)),
            refusals=self.refusals,
            outage=self.outage,
            now=desk.clock,
        )
        self.dispatcher = AlertDispatcher(desk.repository, {"webhook": desk.box}, now=desk.clock)


class Desk:
    """A database and the workers that share it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.clock = Clock()
        self.box = Box()
        self.problem: str | None = None
        self.probes = {PICKLE: Probe(), PADDLE: Probe()}
        self.repository = SqlAlertRepository(database)
        self.checkouts = SqlCheckoutRepository(database)
        self.flips = SqlFlipRepository(database, now=lambda: dt.datetime.fromtimestamp(self.clock(), dt.UTC))
        self.restart()

    def restart(self) -> None:
        """All workers anew; the first one decides, and so does one of another machine."""
        self.workers = [Worker(self, leads=True), Worker(self, leads=False), Worker(self, leads=True)]

    async def pass_(self, seconds: float = 0.0, *, step: float = 15.0) -> list[Told]:
        """Look for so long, in all workers; everything that was told so far."""
        until = self.clock.time + seconds
        while True:
            for worker in self.workers:
                await worker.watch.look()
            for worker in self.workers:
                await worker.dispatcher.send_due()
            if self.clock.time >= until:
                return self.box.told
            self.clock.time += step

    async def stuck(self, id_: str = "chk_1", **changes: Any) -> None:
        """A checkout that needs a person."""
        made = checkout(id_, cart=id_, pay_key=id_, **changes)
        await self.checkouts.open(made)
        held = await self.checkouts.lease(id_, now=self.clock(), seconds=10)
        assert held is not None
        problem = "the money was taken, and there is no order"
        done = replace(held, state="needs_human", since=self.clock(), problem=problem, due_at=None)
        await self.checkouts.write(done, release=True)

    async def settled(self, id_: str = "chk_1") -> None:
        held = await self.checkouts.lease(id_, now=self.clock(), seconds=10)
        assert held is not None
        await self.checkouts.write(replace(held, state="failed", ended_at=self.clock()), release=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    where = tmp_path / "x.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres")()
    with closing(Database(where)) as database:
        yield Desk(database, tmp_path)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Desk]:
    with closing(Database(tmp_path / "x.db")) as database:
        yield Desk(database, tmp_path)


async def test_nothing_is_told_and_nothing_written_while_nothing_is_wrong(local: Desk) -> None:
    probe = local.database.watching()
    before = probe.writes()
    assert await local.pass_(60) == []
    assert probe.writes() == before


async def test_a_checkout_that_needs_a_person_is_told_once_by_all_workers_and_after_restarts(desk: Desk) -> None:
    await desk.stuck()
    assert await desk.pass_() == [("raised", "checkouts", "pickle")]
    [message] = desk.box.messages
    assert message.reason.startswith("1 waits; the oldest is chk_1, since 20")
    assert message.reason.endswith(": the money was taken, and there is no order")
    desk.restart()
    await desk.stuck("chk_2")
    assert len(await desk.pass_(3600)) == 1, "one per condition and store"
    desk.clock.time += REMINDER_SECONDS - 3600
    assert (await desk.pass_())[1:] == [("reminder", "checkouts", "pickle")]
    assert desk.box.messages[1].reason.startswith("2 wait; the oldest is chk_1")
    assert desk.box.messages[1].since == message.since
    desk.restart()
    await desk.settled("chk_1")
    await desk.settled("chk_2")
    assert (await desk.pass_(300))[2:] == [("resolved", "checkouts", "pickle")]
    assert desk.box.messages[2].since == message.since
    assert len({one.id for one in desk.box.messages}) == 3
    assert desk.repository.list_active() == []


@pytest.mark.parametrize(
    ("state", "awaited"), [("capturing", "payment provider"), ("authorizing", "payment provider"), ("unknown", "shop")]
)
async def test_a_checkout_that_stays_on_its_way_is_told_after_ten_minutes(
    local: Desk, state: State, awaited: str
) -> None:
    """Though it is looked at again and again, so that it is never late for the reconciler."""
    await local.checkouts.open(checkout("chk_1", cart="chk_1", pay_key="chk_1", created_at=local.clock() - 3600))
    held = await local.checkouts.lease("chk_1", now=local.clock(), seconds=10)
    assert held is not None
    since = local.clock()
    await local.checkouts.write(replace(held, state=state, since=since, due_at=since), release=True)
    assert await local.pass_(570) == []
    assert await local.pass_(60) == [("raised", "late_checkouts", "pickle")]
    reason = local.box.messages[0].reason
    assert reason.startswith("1 waits; the oldest is chk_1, since ")
    assert reason.endswith(f": it is {state}, and goes on once the {awaited} answers")
    await local.settled("chk_1")
    assert (await local.pass_(300))[1:] == [("resolved", "late_checkouts", "pickle")]


async def test_a_server_that_was_away_for_a_day_resolves_nothing_that_still_holds(desk: Desk) -> None:
    await desk.stuck()
    desk.probes[PADDLE].away = True
    assert len(await desk.pass_(180)) == 2
    desk.restart()
    desk.clock.time += REMINDER_SECONDS
    assert {one.status for one in (await desk.pass_(60))[2:]} == {"reminder"}


@pytest.mark.parametrize("how", ["circuit of another worker", "nobody listens", "answers with 503"])
async def test_a_shop_is_down_once_it_is_so_for_some_minutes(local: Desk, how: str) -> None:
    def turn(*, down: bool) -> None:
        local.workers[1].circuits[PICKLE] = down and how.startswith("circuit")
        local.probes[PICKLE].away = down and how.startswith("nobody")
        local.probes[PICKLE].status = 503 if down and how.startswith("answers") else 200

    turn(down=True)
    assert await local.pass_(90) == [], "a short hiccup wakes nobody"
    turn(down=False)
    assert await local.pass_(300) == []
    turn(down=True)
    assert await local.pass_(150) == [("raised", "shop", "pickle")]
    assert how.startswith("circuit") or how in local.box.messages[0].reason
    turn(down=False)
    assert (await local.pass_(300))[1:] == [("resolved", "shop", "pickle")]
    assert not any(probe.responses for probe in local.probes.values())


async def test_an_order_that_a_platform_was_not_told_of_is_told_until_it_takes_it(desk: Desk) -> None:
    for number, status in enumerate(("told", "waiting", "failed", "failed"), 1):
        row = {"checkout": f"chk_{number}", "store": PICKLE, "owner": "key:1", "session": b"=cart", "status": status}
        times = {"queued_at": desk.clock() + number, "due_at": desk.clock(), "tries": 10}
        with desk.database.writing() as connection:
            connection.execute(insert(ORDER_EVENTS).values(row | times | {"problem": "it answers with 401"}))
    assert await desk.pass_() == [("raised", "order_events", "pickle")]
    assert desk.box.messages[0].reason == "2 were given up; the newest is of chk_4: it answers with 401"
    assert len(await desk.pass_(3600)) == 1
    queue = SqlOrderEventQueue(desk.database)
    assert await queue.send_again(PICKLE, "chk_4", now=desk.clock())
    assert len(await desk.pass_(300)) == 1, "chk_3 is still given up"
    assert await queue.send_again(PICKLE, "chk_3", now=desk.clock())
    assert (await desk.pass_(300))[1:] == [("resolved", "order_events", "pickle")]
    assert desk.box.messages[1].reason == "1 was given up; the newest is of chk_3: it answers with 401"


async def test_a_scheduled_flip_that_was_not_made_is_told_until_somebody_sees_to_it(desk: Desk) -> None:
    planned, changes = roadmap(), {"p2_cart": "active"}
    at = dt.datetime.fromtimestamp(desk.clock(), dt.UTC) + dt.timedelta(minutes=1)
    flip = desk.flips.schedule(planned, PICKLE, changes, by="ada", terms=NO_TERMS, at=at)  # type: ignore[arg-type]
    assert await desk.pass_() == []
    desk.clock.time += 120
    assert desk.flips.flip_due({PICKLE: planned}) == 1
    assert await desk.pass_() == [("raised", "scheduled_flips", "pickle")]
    said = desk.box.messages[0].reason
    assert said.startswith(f"1; the last is {flip.id}, p2_cart → active, at {at:%Y-%m-%d %H:%M} UTC: refused: ")
    assert desk.flips.unschedule(PICKLE, flip.id, by="ada")
    assert (await desk.pass_(300))[1:] == [("resolved", "scheduled_flips", "pickle")]


async def test_webhooks_that_fail_in_a_row_are_told_until_one_is_accepted(local: Desk) -> None:
    refusals = local.workers[1].refusals
    for _ in range(2):
        refusals.record(PICKLE, "not signed with any of our secrets")
    assert await local.pass_(15) == [], "anybody can send one"
    refusals.record(PICKLE, "not signed with any of our secrets")
    assert await local.pass_(15) == [("raised", "webhooks", "pickle")]
    assert local.box.messages[0].reason == "3 in a row were refused: not signed with any of our secrets"
    local.restart()
    assert len(await local.pass_(3600)) == 1
    await local.checkouts.keep_event("stripe", "evt_1", store=PICKLE, checkout=None, now=local.clock())
    assert (await local.pass_())[1:] == [("resolved", "webhooks", "pickle")]


async def test_forged_webhooks_among_honest_ones_wake_nobody(local: Desk) -> None:
    for number in range(20):
        local.workers[0].refusals.record(PICKLE, "forged")
        if number % 2:
            await local.checkouts.keep_event("stripe", f"evt_{number}", store=PICKLE, checkout=None, now=local.clock())
        assert await local.pass_(15) == []


async def test_webhooks_that_failed_long_ago_are_over(local: Desk) -> None:
    for _ in range(3):
        local.workers[0].refusals.record(PADDLE, "forged")
    assert await local.pass_() == [("raised", "webhooks", "paddle")]
    assert len(await local.pass_(5 * 3600, step=900)) == 1
    assert (await local.pass_(2 * 3600, step=900))[1:] == [("resolved", "webhooks", "paddle")]


def entries(desk: Desk, number: int) -> None:
    at = utc_now()
    log = AuditLog(desk.database)
    log.write([operator_entry(at, "operator.acted", str(each), store="pickle", by="ada") for each in range(number)])


async def test_an_audit_that_was_changed_is_told_wherever_the_change_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "VERIFY_PAGE_SIZE", 10)
    entries(desk, 45)
    assert await desk.pass_(120) == []
    filed = update(AUDIT).where(AUDIT.c.number == 23).values(at="2000")
    tamper(desk.database, lambda connection: connection.execute(filed))
    assert await desk.pass_(180) == [("raised", "audit", "")]
    assert desk.box.messages[0].reason == "entry 23 is filed under another time or store than it says"
    desk.restart()
    assert len(await desk.pass_(600)) == 1, "what was not looked at again yet is not over"


@pytest.mark.parametrize("change", ["hash", "gone", "head"])
async def test_what_breaks_the_chain_is_seen(local: Desk, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "VERIFY_PAGE_SIZE", 10)
    entries(local, 25)
    changes: dict[str, Any] = {
        "hash": update(AUDIT).where(AUDIT.c.number == 10).values(hash=b"\0" * 32),
        "gone": delete(AUDIT).where(AUDIT.c.number == 11),
        "head": update(AUDIT_HEAD).values(number=99),
    }
    tamper(local.database, lambda connection: connection.execute(changes[change]))
    assert await local.pass_(120) == [("raised", "audit", "")]


async def test_entries_that_are_dropped_in_time_break_nothing(local: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "VERIFY_PAGE_SIZE", 10)
    entries(local, 45)
    await local.pass_(15)
    AuditLog(local.database).prune(utc_now())
    assert await local.pass_(180) == []


async def test_an_audit_that_is_not_written_is_told_by_whichever_worker_cannot(local: Desk) -> None:
    local.workers[1].audit_failing = True
    assert await local.pass_(15) == [("raised", "audit", "")]
    local.workers[1].audit_failing = False
    assert (await local.pass_(300))[1:] == [("resolved", "audit", "")]


@pytest.mark.parametrize(
    ("total", "free", "low"), [(2**40, 2**29, True), (2**40, 2**31, False), (2**33, 2**29, False), (2**33, 2**28, True)]
)
async def test_a_disk_is_low_by_its_size(
    local: Desk, monkeypatch: pytest.MonkeyPatch, total: int, free: int, low: bool
) -> None:
    usage = shutil._ntuple_diskusage(total, total - free, free)  # type: ignore[attr-defined]
    monkeypatch.setattr(alert_watch.shutil, "disk_usage", lambda _: usage)
    assert await local.pass_() == ([("raised", "disk", "")] if low else [])


async def test_a_database_that_takes_nothing_is_told_without_it(local: Desk) -> None:
    """Of each machine once: the third worker here is another machine's."""
    local.workers.pop()
    local.problem = "is full"
    assert await local.pass_(15) == []
    assert await local.pass_(600) == [("raised", "database", "")]
    assert local.box.messages[0].reason == "the database is full"
    local.clock.time += REMINDER_SECONDS
    assert (await local.pass_(60))[1:] == [("reminder", "database", "")]
    local.problem = None
    assert (await local.pass_(60))[2:] == [("resolved", "database", "")]


async def test_a_database_that_cannot_be_read_is_logged_once_and_ends_no_watch(
    local: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> None:
        raise ShopBusy(retry_after=1, internal="locked")

    await local.stuck()
    with monkeypatch.context() as patched:
        patched.setattr(local.repository, "list_active", busy)
        for _ in range(3):
            await local.workers[1].watch.look()
    assert [one.getMessage()[:33] for one in caplog.records] == ["alerts cannot be looked for now: "]
    assert await local.pass_(15) == [("raised", "checkouts", "pickle")]


async def test_an_alert_about_the_database_is_repeated_under_its_id_and_not_without_end(local: Desk) -> None:
    local.workers = local.workers[:1]
    local.problem = "is full"
    local.box.fails = [AlertUndelivered("HTTP 503") for _ in range(40)]
    await local.pass_(sum(PAUSES_SECONDS) + 3600, step=60)
    assert len(local.box.ids) == len(PAUSES_SECONDS) + 1
    assert len(set(local.box.ids)) == 1


async def test_a_message_is_repeated_under_its_id_until_it_is_taken(desk: Desk) -> None:
    await desk.stuck()
    desk.box.fails = [AlertUndelivered("HTTP 503"), AlertUndelivered("HTTP 429")]
    assert await desk.pass_(9, step=3) == []
    assert await desk.pass_(PAUSES_SECONDS[0] + PAUSES_SECONDS[1]) == [("raised", "checkouts", "pickle")]
    assert len(desk.box.ids) == 3
    assert len(set(desk.box.ids)) == 1


async def test_retries_end(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await desk.stuck()
    desk.box.fails = [AlertUndelivered("HTTP 500") for _ in range(40)]
    await desk.pass_()
    for pause in (*PAUSES_SECONDS, 3600.0):
        desk.clock.time += pause
        await desk.workers[0].dispatcher.send_due()
    assert len(desk.box.ids) == len(PAUSES_SECONDS) + 1
    assert "the webhook about checkouts cannot be sent: HTTP 500" in caplog.text


async def test_a_message_that_is_refused_for_good_or_has_no_receiver_any_more_is_not_repeated(desk: Desk) -> None:
    await desk.stuck()
    desk.box.fails = [AlertUndelivered("554 no", final=True)]
    assert await desk.pass_(3600, step=300) == []
    assert len(desk.box.ids) == 1
    await desk.stuck("chk_2", store=PADDLE)
    await desk.workers[0].watch.look()
    assert await AlertDispatcher(desk.repository, {}, now=desk.clock).send_due() == 1
    assert await desk.workers[0].dispatcher.send_due() == 0


async def test_a_worker_that_dies_while_it_sends_leaves_the_message_to_another(desk: Desk) -> None:
    await desk.stuck()
    await desk.workers[0].watch.look()
    taken = desk.repository.lease(now=desk.clock(), seconds=LEASE_SECONDS)
    assert taken is not None
    assert await desk.workers[1].dispatcher.send_due() == 0
    desk.clock.time += LEASE_SECONDS
    assert await desk.workers[1].dispatcher.send_due() == 1
    desk.repository.finish(taken, "waiting", due_at=0.0, problem="too late")
    assert await desk.workers[0].dispatcher.send_due() == 0, "what the first one says does not count any more"


async def test_with_nobody_to_tell_conditions_are_on_record_all_the_same(local: Desk) -> None:
    now, seen = local.clock(), {AlertKey("shop", PICKLE): "x" * 5_000}
    assert len(local.repository.observe(seen, now=now, channels=())) == 0
    [alert] = local.repository.list_active()
    assert (alert.told_at, len(alert.reason)) == (None, 1_000)
    assert local.repository.lease(now=now, seconds=1) is None
