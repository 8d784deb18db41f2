"""The mail with a code to sign in: plain text, in the store's language."""

import datetime as dt
import secrets
from collections.abc import Callable
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from storefront_mcp.commerce.origins import host_of
from storefront_mcp.commerce.plain_text import visible_line
from storefront_mcp.commerce.store import Store
from storefront_mcp.mail import order_mail
from storefront_mcp.mail.order_mail import ENVIRONMENT, MailSettings
from storefront_mcp.mail.order_mailer import MailSender

CODE_GROUP: Final = 4
"""Digits that are written together."""


def code_mail(email: str, code: str, store: Store, settings: MailSettings, *, at: float) -> EmailMessage:
    """A code of a store for a person; `at` is its date in Unix seconds.

    Raises ValueError for an address that cannot stand in a header.
    """
    words = order_mail.phrases(store.locale)
    name = visible_line(store.name)
    message = EmailMessage()
    message["From"] = Address(display_name=name, addr_spec=settings.sender)
    message["To"] = Address(addr_spec=email)
    # Not the code: subjects are shown on locked screens.
    message["Subject"] = words["code_subject"].format(store=name)
    message["Date"] = format_datetime(dt.datetime.fromtimestamp(int(at), dt.UTC))
    message["Message-ID"] = f"<{secrets.token_hex(16)}@{host_of(store.origin).partition(':')[0]}>"
    # RFC 3834: no vacation answers to it.
    message["Auto-Submitted"] = "auto-generated"
    grouped = " ".join(code[start : start + CODE_GROUP] for start in range(0, len(code), CODE_GROUP))
    shown = {"words": words, "code": grouped, "store": name, "contact": settings.contact or store.website}
    message.set_content(ENVIRONMENT.get_template("code.txt.j2").render(shown))
    # Not before: setting the content removes its headers.
    message["Content-Language"] = words["language"]
    return message


class StoreCodeMailer:
    """Mails the codes of one store; a mail is tried once, as its code is good for minutes only."""

    def __init__(self, store: Store, settings: MailSettings, sender: MailSender, *, now: Callable[[], float]) -> None:
        """`now` gives Unix seconds."""
        self._store = store
        self._settings = settings
        self._sender = sender
        self._now = now

    async def send_code(self, email: str, code: str) -> None:
        """Raises MailRefused, MailDelayed and ValueError."""
        await self._sender.send(code_mail(email, code, self._store, self._settings, at=self._now()))
