"""`MailedCodeLogin`: signs customers in by a code that is mailed to them, for shops that let us sign nobody in.

Nobody learns from it who is a customer: a code is asked for whatever the address, and mailed in the background. What a
code is compared with is kept by whoever keeps the pending request, encrypted, so that any worker can take it.
"""

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from storefront_mcp.commerce.customers import (
    CodeNeeded,
    CustomerDirectory,
    SessionOver,
    ShopCustomer,
    ShopSession,
    SignInForm,
    WrongCredentials,
)

log: Final = logging.getLogger("storefront_mcp.oauth")

CODE_DIGITS: Final = 8
CODE_SECONDS: Final = 600.0
LOOK_UP_SECONDS: Final = 3600.0
"""After which a call has the customer of its session looked up again."""
SALT_BYTES: Final = 16
MAX_MAILS_UNDER_WAY: Final = 100
"""Mails that are being handed over at a time; further ones are not sent."""


class CodeMailer(Protocol):
    """What mails a code."""

    async def send_code(self, email: str, code: str) -> None:
        """Hand the mail over; any error is logged, and the person asks for another code."""


class MailedCode(Struct, frozen=True, kw_only=True):
    """What a code is compared with, kept while its person looks into their mailbox."""

    salt: bytes
    digest: bytes
    expires_at: float
    customer: ShopCustomer | None
    """None for an address that is no customer's: no code is right then."""


def random_code() -> str:
    """A code of `CODE_DIGITS` digits."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


class MailedCodeLogin:
    """A `CustomerLogin` over a directory of customers.

    Its sessions have no secret, and live until their grant ends or their customer has the e-mail address no more.
    """

    form: SignInForm = "mailed_code"

    def __init__(
        self,
        directory: CustomerDirectory,
        mailer: CodeMailer,
        *,
        now: Callable[[], float] = time.time,
        new_code: Callable[[], str] = random_code,
    ) -> None:
        """`now` gives Unix seconds."""
        self._directory = directory
        self._mailer = mailer
        self._now = now
        self._new_code = new_code
        self._mails: set[asyncio.Task[None]] = set()

    async def sign_in(
        self,
        email: str,
        password: str,  # noqa: ARG002 -- there is none
        *,
        code: str | None = None,
        address: str | None = None,  # noqa: ARG002 -- the shop hears of no person here
        state: str = "",
    ) -> ShopSession | CodeNeeded:
        """As the port says: first without a code, which mails one, then with it and its state."""
        if code is None or not state:
            return await self._mail_code(email)
        kept = msgspec.json.decode(state, type=MailedCode)
        if kept.expires_at <= self._now():
            raise WrongCredentials(internal="the mailed code has expired")
        typed = "".join(code.split()).replace("-", "")
        if not hmac.compare_digest(_digest(kept.salt, typed), kept.digest) or kept.customer is None:
            return CodeNeeded(refused=True, state=state, password_again=False, mailed=True)
        return self._session(kept.customer)

    async def renew(self, session: ShopSession) -> ShopSession:
        """The session of the same customer. Raises SessionOver when the address is nobody's by now, or another's."""
        customer = await self._directory.find_customer(session.email)
        if customer is None or customer.customer_id != session.customer_id:
            raise SessionOver(internal="the customer has this e-mail address no more")
        return self._session(customer)

    async def end(self, session: ShopSession) -> None:
        """Nothing: the shop knows of no session."""

    async def close(self) -> None:
        """Wait for the mails under way."""
        await asyncio.gather(*self._mails, return_exceptions=True)

    async def _mail_code(self, email: str) -> CodeNeeded:
        customer = await self._directory.find_customer(email)
        code, salt = self._new_code(), secrets.token_bytes(SALT_BYTES)
        if customer is not None and len(self._mails) < MAX_MAILS_UNDER_WAY:
            # To the address that the shop knows, which may be written otherwise.
            mail = asyncio.create_task(self._mailer.send_code(customer.email, code))
            self._mails.add(mail)
            mail.add_done_callback(self._finish_mail)
        kept = MailedCode(
            salt=salt, digest=_digest(salt, code), expires_at=self._now() + CODE_SECONDS, customer=customer
        )
        return CodeNeeded(state=msgspec.json.encode(kept).decode(), password_again=False, mailed=True)

    def _session(self, customer: ShopCustomer) -> ShopSession:
        return ShopSession(
            secret="",
            customer_id=customer.customer_id,
            name=customer.name,
            email=customer.email,
            renew_at=self._now() + LOOK_UP_SECONDS,
        )

    def _finish_mail(self, mail: asyncio.Task[None]) -> None:
        self._mails.discard(mail)
        if not mail.cancelled() and (error := mail.exception()) is not None:
            log.error("a code to sign in could not be mailed: %s", error)


def _digest(salt: bytes, code: str) -> bytes:
    return hashlib.sha256(salt + code.encode()).digest()
