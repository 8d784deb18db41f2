"""`AlertSender`, the port of what hands an alert over, and its failure."""

from typing import Protocol

from storefront_mcp.records.alerts import AlertMessage


class AlertUndelivered(Exception):
    """The receiver did not take the message; the text says why, without addresses. `final`: it never will."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class AlertSender(Protocol):
    """Hands a message over to one receiver."""

    async def send(self, message: AlertMessage) -> str:
        """Send it; what came back. Raises AlertUndelivered."""
