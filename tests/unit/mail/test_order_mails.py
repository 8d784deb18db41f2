"""An order is confirmed by one mail, in the store's language, whatever the mail server does meanwhile."""

from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.checkout.record import Checkout
from storefront_mcp.commerce.cart import CartTotals
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import PaymentMethod
from storefront_mcp.database import Database, SqlCheckoutRepository
from storefront_mcp.database.order_mails import SqlOrderMailQueue
from storefront_mcp.mail.order_mail import MailSettings, order_mail, phrases
from storefront_mcp.mail.order_mailer import LEASE_SECONDS, PAUSES_SECONDS, OrderMailer
from storefront_mcp.mail.smtp_sender import MailDelayed, MailRefused
from tests.fakes.memory_backend import STORE
from tests.unit.checkout.environment import CheckoutEnvironment, Clock
from tests.unit.database.test_checkouts import PERSONAL, checkout
from tests.unit.mail.test_smtp_sender import Mailbox, sender, smtp_server

HOW = "IBAN DE00 0000 0000.\nInnerhalb von 10 Tagen."
OFFLINE = {"settles": "offline", "settle_by": "bank", "offline": (PaymentMethod(code="bank", title="Überweisung"),)}
SETTINGS = MailSettings(sender="orders@pickle.example", contact="help@pickle.example, +61 3 5550 0000")


class Outbox:
    """Takes messages, or fails as told."""

    def __init__(self) -> None:
        self.sent: list[EmailMessage] = []
        self.fails: list[Exception] = []

    async def send(self, message: EmailMessage) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append(message)


class Desk:
    """A database with one placed order, and the mailers of two workers."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self.outbox = Outbox()
        self.records = SqlCheckoutRepository(database)
        self.queue = SqlOrderMailQueue(database)

    def mailer(self, send: Any = None) -> OrderMailer:
        environment = CheckoutEnvironment(offline=("bank",), instructions={"bank": HOW}, sends_mail=True)
        contexts = {STORE.id: replace(environment.context, store=replace(STORE, locale="de-DE"))}
        settings = {STORE.id: SETTINGS}
        return OrderMailer(self.queue, self.records, send or self.outbox, contexts, settings, now=self.clock)

    async def placed(self, **changes: Any) -> Checkout:
        """A checkout that becomes an order; the record is written twice, as after a crash."""
        made = checkout(store=STORE.id, confirms_by_mail=True, **changes)
        await self.records.open(made)
        done = replace(made, state="placed", order_number="100000042", ended_at=self.clock(), since=self.clock())
        for _ in range(2):
            held = await self.records.lease(made.id, now=self.clock(), seconds=10)
            assert held is not None
            await self.records.write(replace(done, fence=held.fence), release=True)
        return done

    async def status(self) -> tuple[str, int, str | None]:
        (mail,) = (await self.queue.list_by_checkout(["chk_1"])).values()
        return mail.status, mail.tries, mail.problem


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    where = tmp_path / "x.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres")()
    with closing(Database(where)) as database:
        yield Desk(database)


def shown(message: EmailMessage) -> tuple[str, str]:
    """The text and the HTML of a message."""
    plain, html = (message.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


async def test_an_order_is_confirmed_once_over_a_real_server(desk: Desk) -> None:
    await desk.placed(personal=PERSONAL, **OFFLINE)
    mailbox = Mailbox()
    async with smtp_server(mailbox) as port:
        mailers = [desk.mailer(sender(port)) for _ in range(2)]
        assert [await mailer.send_next() for mailer in mailers] == [True, False]
    assert await desk.status() == ("sent", 1, None)
    [message] = mailbox.messages
    assert (message["To"], message["From"]) == ("ana@example.com", f"{STORE.name} <orders@pickle.example>")
    assert message["Subject"] == f"Ihre Bestellung 100000042 bei {STORE.name}"
    assert message["Auto-Submitted"] == "auto-generated"
    for text in shown(message):
        for wanted in (
            "Bestellnummer", "100000042", "Paddle", "558,00", "Noch zu bezahlen", "Überweisung", "IBAN DE00 0000 0000.",
            "Innerhalb von 10 Tagen.", "Ana Smith-Secret", "1 Court Lane", "3000 Melbourne",
            "help@pickle.example, +61 3 5550 0000",
        ):  # fmt: skip
            assert wanted in text, wanted
        assert "bezahlt." not in text
        assert PERSONAL.order is not None
        assert str(PERSONAL.order.token) not in text


async def test_what_cannot_be_taken_now_is_tried_again_under_the_same_id(desk: Desk) -> None:
    await desk.placed(personal=PERSONAL)
    mailer = desk.mailer()
    desk.outbox.fails = [MailDelayed("451 later"), MailDelayed("452 full")]
    for tries in (1, 2):
        assert await mailer.send_next()
        assert (await desk.status())[:2] == ("waiting", tries)
        assert not await mailer.send_next(), "not before the pause is over"
        desk.clock.time += PAUSES_SECONDS[tries - 1]
    assert await mailer.send_next()
    assert await desk.status() == ("sent", 3, None)
    assert "Sie ist bezahlt." in shown(desk.outbox.sent[0])[0]


async def test_a_worker_that_dies_while_sending_leaves_it_to_another_one(desk: Desk) -> None:
    await desk.placed(personal=PERSONAL)
    taken = await desk.queue.lease(now=desk.clock(), seconds=LEASE_SECONDS)
    assert taken is not None
    mailer = desk.mailer()
    assert not await mailer.send_next()
    desk.clock.time += LEASE_SECONDS
    assert await mailer.send_next()
    await desk.queue.finish(taken, "failed", problem="too late", due_at=0.0)
    assert await desk.status() == ("sent", 2, None), "what the first one says does not count any more"


async def test_what_is_refused_for_good_waits_for_a_person_who_sends_it_again(desk: Desk) -> None:
    await desk.placed(personal=PERSONAL)
    mailer = desk.mailer()
    desk.outbox.fails = [MailRefused("550 [e-mail] no such user")]
    assert await mailer.send_next()
    assert await desk.status() == ("failed", 1, "550 [e-mail] no such user")
    assert not await mailer.send_next()
    assert not await desk.queue.send_again(STORE.id, "chk_2", now=desk.clock())
    assert await desk.queue.send_again(STORE.id, "chk_1", now=desk.clock())
    assert not await desk.queue.send_again(STORE.id, "chk_1", now=desk.clock()), "it waits already"
    assert await mailer.send_next()
    assert (await desk.status())[0] == "sent"


async def test_after_the_last_pause_it_has_failed(desk: Desk) -> None:
    await desk.placed(personal=PERSONAL)
    mailer = desk.mailer()
    desk.outbox.fails = [MailDelayed("421 away") for _ in range(len(PAUSES_SECONDS) + 1)]
    for pause in (*PAUSES_SECONDS, 0.0):
        assert await mailer.send_next()
        desk.clock.time += pause
    assert await desk.status() == ("failed", len(PAUSES_SECONDS) + 1, "421 away")
    assert not await mailer.send_next()


async def test_an_erased_buyer_gets_no_mail(desk: Desk) -> None:
    await desk.placed(personal=None)
    assert await desk.mailer().send_next()
    assert await desk.status() == ("failed", 1, "the buyer's data is erased")
    assert desk.outbox.sent == []


async def test_an_order_of_a_store_that_sends_no_mail_queues_none(desk: Desk) -> None:
    await desk.placed(personal=PERSONAL)
    silent = checkout("chk_2", store=STORE.id, cart="other")
    await desk.records.open(silent)
    held = await desk.records.lease("chk_2", now=desk.clock(), seconds=10)
    assert held is not None
    await desk.records.write(replace(silent, state="placed", fence=held.fence), release=True)
    assert set(await desk.queue.list_by_checkout(["chk_1", "chk_2"])) == {"chk_1"}


@pytest.mark.parametrize("locale", ["de-AT", "fr", "es-MX", "it", "nl", "en-AU", "tlh"])
def test_every_language_says_everything_a_total_is_made_of(locale: str) -> None:
    aud = [Money(100 + number, "AUD") for number in range(7)]
    totals = CartTotals(
        subtotal=aud[0], discount=aud[1], shipping=aud[2], tax=aud[3], gift_cards=aud[4], other=aud[5], total=aud[6]
    )
    words = phrases(locale)
    assert words["language"] == (locale[:2] if locale != "tlh" else "en")
    store = replace(STORE, locale=locale, name='Brine\n<b>& "Sons"</b>')
    made = checkout(personal=PERSONAL, totals=totals, order_number=None)
    for other in (made, replace(made, totals=replace(totals, tax_included=True))):
        message = order_mail(other, store, SETTINGS, payment=None, at=0.0)
        assert "\n" not in message["Subject"]
        assert message["Content-Language"] == words["language"]
        text, html = shown(message)
        named = "subtotal discount shipping gift_cards other total paid ship_to".split()
        assert all(words[name] in text for name in named)
        assert "chk_1" in text, "the way to a number that is not known"
        assert "<b>" not in html
        assert "1.03" in text or "1,03" in text
        assert bytes(message)


def test_nothing_invisible_is_in_a_header() -> None:
    store = replace(STORE, name="Brine\u202e\r\nBcc:\u200b eve@example.com\x07")
    message = order_mail(
        checkout(personal=PERSONAL, order_number="1\u2066 2\x1b"), store, SETTINGS, payment=None, at=0.0
    )
    assert "Brine Bcc: eve@example.com" in message["From"]
    assert "Brine Bcc: eve@example.com" in message["Subject"]
    assert "1 2" in message["Subject"]
    assert "Bcc" not in message
    assert not set("\u202e\u200b\u2066\x07\x1b\r\n") & set(f"{message['From']}{message['Subject']}")


def test_an_order_of_which_nothing_is_sent_names_no_address_to_send_to() -> None:
    draft = replace(PERSONAL.draft, shipping_address=None, shipping_method="")
    made = checkout(personal=replace(PERSONAL, draft=draft), order_number="1")
    text, html = shown(order_mail(made, STORE, SETTINGS, payment=None, at=0.0))
    for told in (text, html):
        assert phrases("en")["ship_to"] not in told
        assert phrases("en")["bill_to"] in told
        assert draft.billing_address.name in told
