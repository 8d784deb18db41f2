"""A shop's payment module, which captures inside place-order what was authorised, and only the order's amount."""

from collections.abc import Mapping
from typing import Any

import httpx

from storefront_mcp.demo.models import PaymentRefused

DATA_KEY = "stripe_payment_intent_id"
HUNDREDFOLD = {"ISK", "UGX"}
"""Currencies without decimals that Stripe counts in hundredths."""


class StripeModule:
    """Behaves as a shop's Stripe module does: the amount is the order's, or the money is let go of.

    `url` and `key` are the fake's. Talks HTTP of its own, with a key of its own for every call, as such a module does.
    """

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url}/v1/payment_intents"
        self._headers = {"authorization": f"Bearer {key}"}

    async def take(self, *, amount: int, currency: str, data: Mapping[str, Any]) -> None:
        """Take `amount`, in minor units, with the PaymentIntent in `data`. Raises PaymentRefused, and httpx's
        own when it is not clear what was done."""
        payment = data.get(DATA_KEY)
        if not isinstance(payment, str) or not payment.isidentifier():
            raise PaymentRefused(f"paymentData has no {DATA_KEY}")
        wanted = {"amount": amount * 100 if currency in HUNDREDFOLD else amount, "currency": currency.lower()}
        async with httpx.AsyncClient(headers=self._headers, timeout=30, trust_env=False, verify=False) as http:
            intent = await self._ask(http, "GET", payment)
            if {name: intent[name] for name in wanted} != wanted:
                if intent["status"] not in {"succeeded", "canceled"}:
                    await self._ask(http, "POST", f"{payment}/cancel")
                raise PaymentRefused("amount or currency are not the order's")
            if intent["status"] == "requires_capture":
                intent = await self._ask(http, "POST", f"{payment}/capture")
            if intent["status"] != "succeeded":
                raise PaymentRefused(f"the payment is {intent['status']}")

    async def _ask(self, http: httpx.AsyncClient, method: str, path: str) -> dict[str, Any]:
        answer = await http.request(method, f"{self._url}/{path}")
        if answer.is_client_error:
            raise PaymentRefused(f"{answer.status_code} {answer.json()['error'].get('code')}")
        answer.raise_for_status()
        shape: dict[str, Any] = answer.json()
        return shape
