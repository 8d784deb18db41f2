"""Sends one message by SMTP (RFC 5321), with aiosmtplib."""

from email.message import EmailMessage
from typing import Any, Final, Literal

import aiosmtplib
from msgspec import Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.error_codes import error_name

MIN_PERMANENT_CODE: Final = 500
"""Reply codes from here on are permanent (RFC 5321, 4.2.1)."""
MAX_REASON_CHARS: Final = 200


class MailDelayed(Exception):
    """The message was not taken now; it may be later. The message of this error says why, without addresses."""


class MailRefused(Exception):
    """The server will never take this message: an address is wrong, or its content."""


class SmtpServer(Struct, frozen=True, kw_only=True):
    """Address and setup of the SMTP server that takes our mail."""

    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted: after STARTTLS, from its beginning, or not at all."""
    username: str | None = None
    password: Secret | None = None
    timeout_seconds: float = 30.0
    """For each reply of the server."""


class SmtpSender:
    """Sends messages, each over a connection of its own."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    async def send(self, message: EmailMessage) -> None:
        """Hand the message over; when this returns, the server is responsible for it.

        Raises MailRefused when the server rejects it for good, MailDelayed for everything else.
        """
        try:
            await aiosmtplib.send(message, **_connection(self._server))
        except aiosmtplib.SMTPRecipientsRefused as refused:
            first = refused.recipients[0]
            raise _refusal(first.code, first.message) from None
        except aiosmtplib.SMTPAuthenticationError as refused:
            raise MailDelayed(f"the server does not let us in: {refused.code}") from None
        except aiosmtplib.SMTPResponseException as refused:
            raise _refusal(refused.code, refused.message) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailDelayed(f"{error_name(error)}: {error}"[:MAX_REASON_CHARS]) from None

    async def sign_in(self) -> None:
        """Connect, encrypt, sign in and leave; nothing is sent.

        Raises aiosmtplib.SMTPException, OSError and ValueError.
        """
        client = aiosmtplib.SMTP(**_connection(self._server))
        await client.connect()
        await client.quit()


def _connection(server: SmtpServer) -> dict[str, Any]:
    """Aiosmtplib's arguments of one connection."""
    return {
        "hostname": server.host,
        "port": server.port,
        "username": server.username,
        "password": None if server.password is None else server.password.reveal(),
        "use_tls": server.security == "tls",
        "start_tls": server.security == "starttls",
        "timeout": server.timeout_seconds,
    }


def _refusal(code: int, reason: str) -> MailRefused | MailDelayed:
    kind = MailRefused if code >= MIN_PERMANENT_CODE else MailDelayed
    return kind(f"{code} {' '.join('[e-mail]' if '@' in word else word for word in reason.split())}"[:MAX_REASON_CHARS])
