"""Sends an alert by mail."""

import datetime as dt
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from storefront_mcp.alerts.sender import AlertUndelivered
from storefront_mcp.alerts.text import AlertFacts, alert_body, alert_subject
from storefront_mcp.mail.smtp_sender import MailDelayed, MailRefused, SmtpSender
from storefront_mcp.records.alerts import AlertMessage


class MailAlertSender:
    """Implements `AlertSender`: one mail to all who are to be told."""

    def __init__(self, smtp: SmtpSender, sender: str, to: Sequence[str], facts: AlertFacts) -> None:
        self._smtp = smtp
        self._sender = sender
        self._to = to
        self._facts = facts

    async def send(self, message: AlertMessage) -> str:
        """Send it; that the mail server took it. Raises AlertUndelivered."""
        try:
            await self._smtp.send(self.mail(message))
        except MailDelayed as delayed:
            raise AlertUndelivered(str(delayed)) from None
        except MailRefused as refused:
            raise AlertUndelivered(str(refused), final=True) from None
        return "the mail server took it"

    def mail(self, message: AlertMessage) -> EmailMessage:
        """The message; its Message-ID is made of the alert's, so that a repeated one is known to be one."""
        made = EmailMessage()
        made["From"] = Address(addr_spec=self._sender)
        made["To"] = [Address(addr_spec=one) for one in self._to]
        made["Subject"] = alert_subject(message)
        made["Date"] = format_datetime(dt.datetime.fromtimestamp(int(message.at), dt.UTC))
        made["Message-ID"] = f"<{message.id}@{self._sender.rpartition('@')[2]}>"
        made["Auto-Submitted"] = "auto-generated"
        made.set_content(alert_body(message, self._facts))
        return made
