"""A message is handed to a real SMTP server, or the reason why not is known as passing or final."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from storefront_mcp.access.credentials import Secret
from storefront_mcp.mail.smtp_sender import MailDelayed, MailRefused, SmtpSender, SmtpServer


class Mailbox:
    """Keeps what it is given, and replies as it is told to."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self.encrypted: list[bool] = []
        self.arrived = asyncio.Event()
        self.reply = "250 OK"
        self.recipient_reply = "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if self.recipient_reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_reply

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.messages.append(message_from_bytes(envelope.content or b"", policy=policy.default))  # type: ignore[arg-type]
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.arrived.set()
        return self.reply


@asynccontextmanager
async def smtp_server(
    mailbox: Mailbox, *, encryption: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[int]:
    """A server on loopback, with `encryption` encrypted from the beginning; its port."""
    loop = asyncio.get_running_loop()
    protocols: list[SMTP] = []

    def protocol() -> SMTP:
        protocols.append(SMTP(mailbox, hostname="mail.test", loop=loop, **options))
        return protocols[-1]

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=encryption)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for one in protocols:
            if one.transport is not None:
                one.transport.close()
            if one._handler_coroutine is not None:
                one._handler_coroutine.cancel()
                await asyncio.gather(one._handler_coroutine, return_exceptions=True)
        await server.wait_closed()


def sender(port: int, **changes: Any) -> SmtpSender:
    return SmtpSender(SmtpServer(**{"host": "127.0.0.1", "port": port, "security": "none"} | changes))


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "orders@shop.example", "ada@example.com", "Grüße"
    made.set_content("Vielen Dank.\n")
    return made


async def test_a_message_arrives_as_it_was_written() -> None:
    mailbox = Mailbox()
    async with smtp_server(mailbox) as port:
        await sender(port).send(message())
    assert mailbox.envelopes == [("orders@shop.example", ["ada@example.com"])]
    assert (mailbox.messages[0]["Subject"], mailbox.messages[0].get_content()) == ("Grüße", "Vielen Dank.\r\n")


@pytest.mark.parametrize(
    ("told", "raised", "reason"),
    [
        ({"reply": "554 ada@example.com is spam"}, MailRefused, "554 [e-mail] is spam"),
        ({"reply": "451 later"}, MailDelayed, "451 later"),
        ({"recipient_reply": "550 <ada@example.com>: no such user"}, MailRefused, "550 [e-mail] no such user"),
        ({"recipient_reply": "450 grey list"}, MailDelayed, "450 grey list"),
    ],
)
async def test_a_reply_says_whether_it_is_worth_another_try(
    told: dict[str, str], raised: type[Exception], reason: str
) -> None:
    mailbox = Mailbox()
    for name, reply in told.items():
        setattr(mailbox, name, reply)
    async with smtp_server(mailbox) as port:
        with pytest.raises(raised) as caught:
            await sender(port).send(message())
    assert str(caught.value) == reason


def authenticator(right: bytes) -> Callable[..., AuthResult]:
    def let_in(*said: Any) -> AuthResult:
        return AuthResult(success=said[-1].password == right, handled=False)

    return let_in


async def test_a_login_is_used_and_a_wrong_one_is_the_operators_to_repair() -> None:
    mailbox = Mailbox()
    options = {"authenticator": authenticator(b"brine"), "auth_require_tls": False}
    async with smtp_server(mailbox, **options) as port:
        await sender(port, username="storefront", password=Secret("brine")).send(message())
        with pytest.raises(MailDelayed, match="does not let us in"):
            await sender(port, username="storefront", password=Secret("wrong")).send(message())
    assert len(mailbox.messages) == 1


async def test_a_server_that_is_away_or_cannot_encrypt_is_tried_later() -> None:
    async with smtp_server(Mailbox()) as port:
        with pytest.raises(MailDelayed):
            await sender(port, security="starttls").send(message())
    with pytest.raises(MailDelayed):
        await sender(port).send(message())
