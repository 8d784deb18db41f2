"""A customer signs in by a code that a real mail server took, and nobody else learns who is a customer."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

import msgspec
import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.customers import CodeNeeded, SessionOver, ShopCustomer, ShopSession, WrongCredentials
from storefront_mcp.mail.code_mail import StoreCodeMailer, code_mail
from storefront_mcp.mail.order_mail import MailSettings
from storefront_mcp.mail.smtp_sender import MailDelayed
from storefront_mcp.oauth.mailed_codes import CODE_SECONDS, LOOK_UP_SECONDS, MailedCodeLogin, random_code
from tests.fakes.memory_backend import STORE
from tests.unit.mail.test_smtp_sender import Mailbox, sender, smtp_server

ADA = ShopCustomer(customer_id="7", name="Ada Brine", email="ada@pickle.example")
SETTINGS = MailSettings(sender="orders@pickle.example", contact="hello@pickle.example")
NOW = 1_800_000_000.0


class CodeShop:
    """A directory with Ada in it, and a clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.customer = ADA

    def clock(self) -> float:
        return self.now

    async def find_customer(self, email: str) -> ShopCustomer | None:
        return self.customer if email.casefold() == self.customer.email else None


class BrokenSender:
    """A mail server that does not answer."""

    async def send(self, message: EmailMessage) -> None:
        raise MailDelayed("ConnectionRefusedError: nobody there")


@asynccontextmanager
async def mailing(shop: CodeShop, mailbox: Mailbox) -> AsyncIterator[MailedCodeLogin]:
    async with smtp_server(mailbox) as port:
        login = MailedCodeLogin(shop, StoreCodeMailer(STORE, SETTINGS, sender(port), now=shop.clock), now=shop.clock)
        yield login
        await login.close()


async def needed(login: MailedCodeLogin, email: str) -> CodeNeeded:
    answer = await login.sign_in(email, "")
    assert isinstance(answer, CodeNeeded)
    assert (answer.mailed, answer.password_again, answer.refused) == (True, False, False)
    return answer


def code_in(message: EmailMessage) -> str:
    found = re.search(r"^\s+(\d{4} \d{4})\s*$", message.get_content(), re.MULTILINE)
    assert found is not None
    return found[1]


async def test_a_code_from_the_mailbox_signs_its_customer_in() -> None:
    mailbox = Mailbox()
    async with mailing(CodeShop(), mailbox) as login:
        asked = await needed(login, "Ada@Pickle.example")
        await login.close()
        code = code_in(mailbox.messages[0])
        session = await login.sign_in("", "", code=code, state=asked.state)

        assert isinstance(session, ShopSession)
        assert (session.customer_id, session.email, session.expires_at) == ("7", ADA.email, None)
        await login.end(session)
    assert mailbox.envelopes == [("orders@pickle.example", [ADA.email])]
    assert code.replace(" ", "") not in asked.state


async def test_a_customer_is_looked_up_again_once_an_hour() -> None:
    shop, mailbox = CodeShop(), Mailbox()
    async with mailing(shop, mailbox) as login:
        asked = await needed(login, ADA.email)
        await login.close()
        session = await login.sign_in("", "", code=code_in(mailbox.messages[0]), state=asked.state)
        assert isinstance(session, ShopSession)
        assert session.renew_at == NOW + LOOK_UP_SECONDS
        shop.now, shop.customer = session.renew_at, replace(ADA, name="Ada Dill")
        renewed = await login.renew(session)
        assert renewed == replace(session, name="Ada Dill", renew_at=shop.now + LOOK_UP_SECONDS)


@pytest.mark.parametrize("now", [replace(ADA, email="ada@dill.example"), replace(ADA, customer_id="8")])
async def test_a_session_ends_once_its_address_is_another_s_or_nobody_s(now: ShopCustomer) -> None:
    shop = CodeShop()
    session = ShopSession(secret="", customer_id=ADA.customer_id, name=ADA.name, email=ADA.email)
    async with mailing(shop, Mailbox()) as login:
        shop.customer = now
        with pytest.raises(SessionOver):
            await login.renew(session)


async def test_a_wrong_code_can_be_corrected_and_an_old_one_cannot() -> None:
    shop, mailbox = CodeShop(), Mailbox()
    async with mailing(shop, mailbox) as login:
        first, second = await needed(login, ADA.email), await needed(login, ADA.email)
        await login.close()
        codes = {code_in(message) for message in mailbox.messages}
        assert len(codes) == 2
        answers = [await login.sign_in("", "", code=code, state=first.state) for code in sorted(codes)]
        assert sorted(isinstance(answer, ShopSession) for answer in answers) == [False, True], "each has its own code"
        assert CodeNeeded(refused=True, state=first.state, password_again=False, mailed=True) in answers
        shop.now += CODE_SECONDS
        for code in codes:
            with pytest.raises(WrongCredentials):
                await login.sign_in("", "", code=code, state=second.state)


async def test_nobody_learns_who_is_a_customer_and_nobody_else_is_mailed() -> None:
    mailbox = Mailbox()
    async with mailing(CodeShop(), mailbox) as login:
        known, unknown = await needed(login, ADA.email), await needed(login, "nobody@pickle.example")
        await login.close()

        assert [*msgspec.json.decode(known.state)] == [*msgspec.json.decode(unknown.state)]
        for code in ("00000000", "12345678"):
            answer = await login.sign_in("", "", code=code, state=unknown.state)
            assert isinstance(answer, CodeNeeded)
            assert answer.refused
    assert len(mailbox.messages) == 1


async def test_a_mail_that_cannot_be_sent_is_logged_without_the_code_and_the_person(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = CodeShop()
    login = MailedCodeLogin(
        shop,
        StoreCodeMailer(STORE, SETTINGS, BrokenSender(), now=shop.clock),
        now=shop.clock,
        new_code=lambda: "24681357",
    )
    await needed(login, ADA.email)
    await login.close()
    await asyncio.sleep(0)

    assert "could not be mailed: ConnectionRefusedError" in caplog.text
    assert "2468" not in caplog.text
    assert ADA.email not in caplog.text


@pytest.mark.parametrize("locale", ["en-AU", "de", "fr", "es", "it", "nl", "ja"])
def test_the_mail_speaks_the_store_s_language_and_its_subject_has_no_code(locale: str) -> None:
    store = replace(STORE, locale=locale, name="Pickle\r\nBcc: evil@example.com")
    message = code_mail(ADA.email, "12345678", store, SETTINGS, at=NOW)

    assert message["Content-Language"] == (locale[:2] if locale != "ja" else "en")
    assert "1234" not in message["Subject"]
    assert message["Bcc"] is None
    assert "1234 5678" in message.get_content()
    assert "hello@pickle.example" in message.get_content()


def test_an_address_that_is_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="address"):
        code_mail("ada@pickle.example\r\nBcc: x@example.com", "12345678", STORE, SETTINGS, at=NOW)


def test_codes_are_eight_digits_and_differ() -> None:
    codes = {random_code() for _ in range(100)}

    assert all(re.fullmatch(r"[0-9]{8}", code) for code in codes)
    assert len(codes) > 90
