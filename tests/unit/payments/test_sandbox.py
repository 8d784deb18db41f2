"""The sandbox: idempotent, durable, and its payment page."""

import asyncio
import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import event, select

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.database.engine import Database
from storefront_mcp.database.sandbox import SqlSandboxRepository
from storefront_mcp.database.tables.sandbox import SANDBOX_SLIPS
from storefront_mcp.payments.provider import (
    EventRefused,
    PaymentProvider,
    PaymentSession,
    PaymentSessionRequest,
    ProviderDown,
    ProviderRefused,
)
from storefront_mcp.payments.sandbox import (
    AUTHORIZATION_SECONDS,
    PATH,
    RETENTION_SECONDS,
    SESSION_PREFIX,
    SandboxLink,
    SandboxProvider,
)
from storefront_mcp.web.host_router import HostRouter
from storefront_mcp.web.sandbox_page import sandbox_routes
from tests.fakes.memory_backend import STORE
from tests.unit.web.buying import BUYERS, FakePaying, buyer_app

NOW = 1_800_000_000
WANTED = PaymentSessionRequest(
    checkout="chk_1",
    amount=Money(34205, "AUD"),
    title="Pickle Warehouse",
    email="jane@example.com",
    return_url="https://pickle.example/pay/t0ken?done=1",
    cancel_url="https://pickle.example/pay/t0ken",
    expires_at=NOW + 1800,
)


class Clock:
    """Seconds that stand still until they are moved."""

    now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "sandbox.db")
    yield opened
    opened.close()


@pytest.fixture
def sandbox(database: Database, clock: Clock) -> SandboxProvider:
    return SandboxProvider(STORE.id, STORE.origin, SqlSandboxRepository(database), now=clock)


@pytest.fixture
async def session(sandbox: SandboxProvider) -> PaymentSession:
    return await sandbox.open_session(WANTED, key="chk_1:session:1")


def content_of(folder: Path) -> bytes:
    """Of every file there."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def link_of(session: PaymentSession) -> SandboxLink:
    """What the session's URL carries."""
    url = urlsplit(session.url or "")
    query = dict(parse_qsl(url.query))
    return SandboxLink(id=url.path.removeprefix(PATH), return_url=query["return"], cancel_url=query["cancel"])


def address_of(session: PaymentSession) -> str:
    """Path and query of the page."""
    return (session.url or "").removeprefix(STORE.origin)


async def pay(sandbox: SandboxProvider, session: PaymentSession) -> str:
    """The person pays; answers the payment."""
    await sandbox.attempt(link_of(session), works=True)
    payment = (await sandbox.session(session.id)).payment
    assert payment is not None
    return payment


def test_it_is_a_provider(sandbox: SandboxProvider) -> None:
    provider: PaymentProvider = sandbox
    assert provider.name == "sandbox"


async def test_a_page_is_opened_once_however_often_and_from_wherever_it_is_asked_for(
    database: Database, sandbox: SandboxProvider, clock: Clock
) -> None:
    another = SandboxProvider(STORE.id, STORE.origin, SqlSandboxRepository(database), now=clock)
    tries = [(sandbox if n % 2 else another).open_session(WANTED, key="k") for n in range(20)]
    assert len({(one.id, one.url) for one in await asyncio.gather(*tries)}) == 1
    assert (await sandbox.open_session(WANTED, key="l")).id != (await sandbox.open_session(WANTED, key="k")).id


async def test_a_key_stands_for_one_request(sandbox: SandboxProvider, session: PaymentSession) -> None:
    with pytest.raises(ProviderRefused):
        await sandbox.open_session(replace(WANTED, amount=Money(1, "AUD")), key="chk_1:session:1")


@pytest.mark.parametrize("changes", [{"amount": Money(0, "AUD")}, {"expires_at": NOW}])
async def test_a_page_for_nothing_or_for_the_past_is_never_open(
    sandbox: SandboxProvider, changes: dict[str, Any]
) -> None:
    session = await sandbox.open_session(replace(WANTED, **changes), key="k")
    assert (session.state, session.url) == ("expired", None)


async def test_paying_holds_the_money_until_it_is_taken(sandbox: SandboxProvider, session: PaymentSession) -> None:
    assert (session.state, session.payment, session.declined) == ("open", None, False)
    held = await sandbox.payment(await pay(sandbox, session))
    assert (held.state, held.amount, held.capture_before) == ("authorized", WANTED.amount, NOW + AUTHORIZATION_SECONDS)
    done = await sandbox.session(session.id)
    assert (done.state, done.url) == ("complete", None)
    for _ in range(2):
        assert (await sandbox.capture(held.id, key="c")).state == "captured"
    assert (await sandbox.release(held.id, key="r")).state == "captured"


async def test_what_is_let_go_cannot_be_taken(sandbox: SandboxProvider, session: PaymentSession) -> None:
    payment = await pay(sandbox, session)
    for _ in range(2):
        assert (await sandbox.release(payment, key="r")).state == "released"
    assert (await sandbox.capture(payment, key="c")).state == "released"


async def test_a_declined_page_stays_open_for_another_try(sandbox: SandboxProvider, session: PaymentSession) -> None:
    await sandbox.attempt(link_of(session), works=False)
    declined = await sandbox.session(session.id)
    assert (declined.state, declined.declined) == ("open", True)
    assert declined.payment is not None
    assert (await sandbox.payment(declined.payment)).state == "waiting"
    with pytest.raises(ProviderRefused, match="nothing is held"):
        await sandbox.capture(declined.payment, key="c")
    assert await pay(sandbox, session) == declined.payment
    assert not (await sandbox.session(session.id)).declined


async def test_letting_go_before_anybody_paid_closes_the_page(
    sandbox: SandboxProvider, session: PaymentSession
) -> None:
    await sandbox.attempt(link_of(session), works=False)
    payment = (await sandbox.session(session.id)).payment
    assert payment is not None
    assert (await sandbox.release(payment, key="r")).state == "released"
    assert (await sandbox.session(session.id)).state == "expired"


async def test_closing_a_page_is_a_race_that_one_side_wins(sandbox: SandboxProvider, session: PaymentSession) -> None:
    closed, _ = await asyncio.gather(
        sandbox.expire_session(session.id, key="x"), sandbox.attempt(link_of(session), works=True)
    )
    again = await sandbox.expire_session(session.id, key="x")
    assert closed.state == again.state
    assert (closed.payment is None) == (closed.state == "expired")


async def test_nothing_can_be_paid_on_a_closed_page(sandbox: SandboxProvider, session: PaymentSession) -> None:
    await sandbox.expire_session(session.id, key="x")
    record = await sandbox.attempt(link_of(session), works=True)
    assert record is not None
    assert (record.session, record.payment) == ("expired", "released")


async def test_a_page_ends_with_its_time_and_held_money_with_its_own(
    sandbox: SandboxProvider, session: PaymentSession, clock: Clock
) -> None:
    other = await sandbox.open_session(WANTED, key="other")
    payment = await pay(sandbox, other)
    clock.now = WANTED.expires_at
    assert (await sandbox.session(session.id)).state == "expired"
    assert (await sandbox.payment(payment)).state == "authorized"
    clock.now = NOW + AUTHORIZATION_SECONDS
    assert (await sandbox.payment(payment)).state == "released"
    assert (await sandbox.capture(payment, key="c")).state == "released"


async def test_taken_money_stays_taken_and_old_pages_are_forgotten(
    sandbox: SandboxProvider, session: PaymentSession, clock: Clock
) -> None:
    payment = await pay(sandbox, session)
    await sandbox.capture(payment, key="c")
    clock.now = WANTED.expires_at + RETENTION_SECONDS
    assert (await sandbox.payment(payment)).state == "captured"
    clock.now += 1
    await sandbox.open_session(replace(WANTED, expires_at=int(clock.now) + 60), key="later")
    with pytest.raises(ProviderRefused, match="there is no"):
        await sandbox.payment(payment)


@pytest.mark.parametrize("name", ["", "sandbox_session_nobody", "pi_1"])
async def test_what_it_never_made_it_refuses(sandbox: SandboxProvider, name: str) -> None:
    for ask in (sandbox.session, sandbox.payment):
        with pytest.raises(ProviderRefused):
            await ask(name)


async def test_one_store_does_not_see_the_pages_of_another(
    database: Database, session: PaymentSession, clock: Clock
) -> None:
    other = SandboxProvider(StoreId("other"), "https://other.example", SqlSandboxRepository(database), now=clock)
    with pytest.raises(ProviderRefused):
        await other.session(session.id)
    assert await other.page_state(link_of(session)) is None
    assert await other.attempt(link_of(session), works=True) is None
    with pytest.raises(ProviderRefused, match="another page"):
        await other.open_session(WANTED, key="chk_1:session:1")


async def test_a_slip_that_vanishes_in_between_is_refused(
    sandbox: SandboxProvider, session: PaymentSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(id_: str, step: Any) -> None:
        return None

    monkeypatch.setattr(sandbox._repository, "change", gone)
    with pytest.raises(ProviderRefused, match="any more"):
        await sandbox.expire_session(session.id, key="x")


async def test_it_sends_no_webhooks_and_closes_nothing(sandbox: SandboxProvider) -> None:
    with pytest.raises(EventRefused):
        sandbox.event(b"{}", {})
    await sandbox.close()


@pytest.mark.slow
async def test_no_live_link_can_be_made_from_a_copy_of_the_database(
    app: HostRouter, database: Database, session: PaymentSession, tmp_path: Path
) -> None:
    assert (await ask(app, "GET", address_of(session))).status_code == 200
    content = content_of(tmp_path)
    for hidden in (WANTED.cancel_url, "t0ken"):
        assert hidden.encode() not in content
    with database.reading() as connection:
        row = connection.execute(select(SANDBOX_SLIPS)).one()
    cells = [cell.decode() if isinstance(cell, bytes) else str(cell) for cell in row]
    fields = [str(value) for value in msgspec.json.decode(row.slip).values()]
    id_ = session.id.removeprefix(SESSION_PREFIX)
    assert id_ in fields
    for return_url, cancel_url in itertools.product(("", *cells, *fields), repeat=2):
        link = SandboxLink(id=id_, return_url=return_url, cancel_url=cancel_url)
        for answer in (
            await ask(app, "GET", link.address),
            await ask(app, "POST", link.address, data={"act": "pay"}),
        ):
            assert answer.status_code == 404
    assert (await ask(app, "GET", PATH + id_)).status_code == 404
    assert (await ask(app, "POST", address_of(session), data={"act": "pay"})).status_code == 303


async def test_no_email_is_written_down(tmp_path: Path, database: Database, session: PaymentSession) -> None:
    database.close()
    assert b"jane" not in (tmp_path / "sandbox.db").read_bytes()


async def test_a_database_that_fails_is_a_provider_that_is_down(
    database: Database, sandbox: SandboxProvider, session: PaymentSession
) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE sandbox_slips")
    for step in (
        sandbox.open_session(WANTED, key="k"),
        sandbox.session(session.id),
        sandbox.attempt(link_of(session), works=True),
    ):
        with pytest.raises(ProviderDown) as down:
            await step
        assert "record" not in str(down.value)


@pytest.mark.slow
async def test_what_a_killed_process_wrote_is_still_known(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    context = multiprocessing.get_context("spawn")
    told, tell = context.Pipe(duplex=False)
    child = context.Process(target=_pay_and_die, args=(path, tell))
    child.start()
    assert told.poll(60)
    name = told.recv()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    database = Database(path)
    sandbox = SandboxProvider(STORE.id, STORE.origin, SqlSandboxRepository(database), now=Clock())
    again = await sandbox.open_session(WANTED, key="chk_1:session:1")
    database.close()
    assert (again.id, again.state) == (name, "complete")


def _pay_and_die(path: Path, tell: Any) -> None:
    async def act() -> str:
        sandbox = SandboxProvider(STORE.id, STORE.origin, SqlSandboxRepository(Database(path)), now=Clock())
        session = await sandbox.open_session(WANTED, key="chk_1:session:1")
        await pay(sandbox, session)
        return session.id

    tell.send(asyncio.run(act()))
    os.kill(os.getpid(), signal.SIGKILL)


# The page ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def app(sandbox: SandboxProvider) -> HostRouter:
    return buyer_app(FakePaying(), more=sandbox_routes({STORE.id: sandbox}, BUYERS))


async def ask(app: HostRouter, method: str, path: str, **options: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=STORE.origin) as client:
        return await client.request(method, path, **options)


async def press(app: HostRouter, session: PaymentSession, act: str, site: str = "same-origin") -> httpx.Response:
    return await ask(app, "POST", address_of(session), data={"act": act}, headers={"sec-fetch-site": site})


async def test_the_page_says_that_it_is_a_test_and_changes_nothing(
    app: HostRouter, sandbox: SandboxProvider, session: PaymentSession
) -> None:
    before = await sandbox.page_state(link_of(session))
    answer = await ask(app, "GET", address_of(session))
    head = await ask(app, "HEAD", address_of(session))
    assert answer.status_code == head.status_code == 200
    assert head.content == b""
    for wanted in ("TEST", "No money moves here.", "A$342.05", ">Pay<", ">Decline<", ">Needs 3-D Secure<"):
        assert wanted in answer.text
    assert f'href="{WANTED.cancel_url}">Walk away</a>' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert await sandbox.page_state(link_of(session)) == before


@pytest.mark.parametrize("act", ["pay", "approve"])
async def test_paying_leads_back_to_the_shop_and_happens_once(
    app: HostRouter, sandbox: SandboxProvider, session: PaymentSession, act: str
) -> None:
    answer = await press(app, session, act)
    assert (answer.status_code, answer.headers["location"]) == (303, WANTED.return_url)
    shown = await ask(app, "GET", address_of(session) + "&challenge=1")
    assert "paid already" in shown.text
    assert "<form" not in shown.text
    late = await press(app, session, "decline")
    assert late.headers["location"] == address_of(session)
    assert (await sandbox.session(session.id)).state == "complete"


async def test_declining_stays_on_the_page_and_says_so(app: HostRouter, session: PaymentSession) -> None:
    for act in ("decline", "fail"):
        answer = await press(app, session, act)
        assert (answer.status_code, answer.headers["location"]) == (303, address_of(session))
    assert "Declined." in (await ask(app, "GET", address_of(session))).text


async def test_3d_secure_is_a_second_step(app: HostRouter, session: PaymentSession) -> None:
    step = await press(app, session, "challenge")
    shown = await ask(app, "GET", step.headers["location"])
    assert "Confirm it is you" in shown.text
    assert ">Approve<" in shown.text
    assert ">Fail<" in shown.text


async def test_an_expired_page_has_no_buttons(app: HostRouter, session: PaymentSession, clock: Clock) -> None:
    path = address_of(session)
    clock.now = WANTED.expires_at
    shown = await ask(app, "GET", path)
    assert "This payment page is closed" in shown.text
    assert "<form" not in shown.text
    late = await ask(app, "POST", path, data={"act": "pay"})
    assert late.headers["location"] == path


async def test_what_is_not_a_button_of_ours_is_refused(app: HostRouter, session: PaymentSession) -> None:
    assert (await press(app, session, "steal")).status_code == 400
    assert (await press(app, session, "pay", site="cross-site")).status_code == 403
    for method in ("GET", "POST"):
        answer = await ask(app, method, PATH + "nobody", data={"act": "pay"} if method == "POST" else None)
        assert answer.status_code == 404


async def test_a_database_that_cannot_be_read_is_a_503(
    app: HostRouter, database: Database, session: PaymentSession
) -> None:
    engine = database._driver.engine  # type: ignore[attr-defined]

    @event.listens_for(engine, "before_cursor_execute")
    def fail(_connection: Any, cursor: Any, *_rest: Any) -> None:
        cursor.execute("SELECT nonsense FROM nowhere")

    assert (await ask(app, "GET", address_of(session))).status_code == 503
    assert (await press(app, session, "pay")).status_code == 503


async def test_a_store_without_the_sandbox_has_no_such_page() -> None:
    app = buyer_app(FakePaying(), more=sandbox_routes({}, BUYERS))
    for method in ("GET", "POST"):
        assert (await ask(app, method, PATH + "x")).status_code == 404
