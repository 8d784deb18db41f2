"""Payment modules: who takes the money inside place-order, as Maho's own modules do."""

from collections.abc import Mapping
from typing import Any, Protocol


class PaymentRefused(Exception):
    """The module does not take this payment; its text is what the shop answers with a 400."""


class PaymentModule(Protocol):
    """A module behind one way to pay. It may refuse an order by raising; an order follows when it returns."""

    async def take(self, *, amount: int, currency: str, data: Mapping[str, Any]) -> None:
        """Take `amount` minor units of `currency` with what came as `paymentData`.

        Raises PaymentRefused. Anything else that it raises is the shop's 500 that says nothing.
        """
