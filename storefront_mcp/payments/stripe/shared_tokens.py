"""Stripe with shared payment tokens: an agent's token is read, and confirms a PaymentIntent with manual capture.

They are a preview: their requests name its version. Source: docs.stripe.com/agentic-commerce, "Shared payment tokens".
"""

import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final, cast

from msgspec import Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.money import Money
from storefront_mcp.payments.provider import Payment, ProviderRefused
from storefront_mcp.payments.stripe.amounts import NotPayable, to_stripe
from storefront_mcp.payments.stripe.key_probe import PREVIEW_VERSION
from storefront_mcp.payments.stripe.objects import PaymentIntent
from storefront_mcp.payments.stripe.provider import StripeProvider, StripeTimeouts, to_payment
from storefront_mcp.payments.tokens import MAX_TOKEN_CHARS, TokenHandler, TokenRefusal, TokenRefused

TOKEN_PATTERN: Final = re.compile(r"spt_[0-9A-Za-z_]+")
CODE_REFUSALS: Final[Mapping[str, TokenRefusal]] = {
    "spt_expired": "expired",
    "spt_max_amount_exceeded": "too_small",
    "spt_revoked": "revoked",
    "spt_seller_mismatch": "seller",
}
"""By the error's code. Any other of a token that is read is `unknown`, of one that confirms `declined`."""


class _UsageLimits(Struct, frozen=True):
    currency: str
    max_amount: int
    expires_at: int | None = None


class _Amount(Struct, frozen=True):
    value: int = 0


class _UsageDetails(Struct, frozen=True):
    amount_captured: _Amount | None = None


class GrantedToken(Struct, frozen=True):
    """A shared payment token as its seller sees it, with the fields that we read."""

    usage_limits: _UsageLimits
    usage_details: _UsageDetails | None = None
    deactivated_at: int | None = None
    deactivated_reason: str | None = None

    def check(self, number: int, currency: str, *, now: float) -> None:
        """Raise TokenRefused unless it pays `number` of Stripe's units at this time."""
        limits, used = self.usage_limits, self.usage_details and self.usage_details.amount_captured
        if self.deactivated_at is not None or self.deactivated_reason is not None:
            raise TokenRefused("expired" if self.deactivated_reason == "expired" else "revoked")
        if limits.expires_at is not None and limits.expires_at <= now:
            raise TokenRefused("expired")
        if limits.currency.lower() != currency:
            raise TokenRefused("currency")
        if limits.max_amount - (used.value if used else 0) < number:
            raise TokenRefused("too_small")


class SharedTokenProvider(StripeProvider):
    """Implements `payments.tokens.TokenPayments` besides the provider."""

    def __init__(
        self,
        key: str,
        *,
        profile: str,
        secrets: Sequence[str],
        timeouts: StripeTimeouts | None = None,
        url: str | None = None,
    ) -> None:
        """`profile` is the id of the business's Stripe profile, to which agents grant tokens."""
        super().__init__(key, secrets=secrets, timeouts=timeouts, url=url)
        self.handler = TokenHandler(id="stripe.spt", provider="stripe", credential="spt", merchant=profile)

    async def check_token(self, token: Secret, amount: Money, *, now: float) -> None:
        """Read the token and compare its limits."""
        text = token.reveal()
        if TOKEN_PATTERN.fullmatch(text) is None or len(text) > MAX_TOKEN_CHARS:
            raise TokenRefused("unknown")
        number, currency = _units(amount)

        async def retrieve() -> object:
            path = f"/v1/shared_payment/granted_tokens/{text}"
            return (await self._stripe.raw_request_async("get", path, stripe_version=PREVIEW_VERSION)).data

        try:
            found = await self._request(retrieve, GrantedToken)
        except ProviderRefused as refused:
            raise TokenRefused(CODE_REFUSALS.get(refused.code, "unknown")) from None
        found.check(number, currency, now=now)

    async def prepare_payment(self, checkout: str, amount: Money, *, key: str) -> Payment:
        """Create a PaymentIntent without a payment method; one whose answer was lost is confirmed by nobody."""
        number, currency = _units(amount)

        def create(key: str) -> Awaitable[object]:
            return self._intents.create_async(
                {
                    "amount": number,
                    "currency": currency,
                    "capture_method": "manual",
                    # Whoever would have to be redirected pays on the hosted page.
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                    "metadata": {"checkout_id": checkout},
                },
                {"idempotency_key": key},
            )

        return to_payment(await self._write(create, PaymentIntent, key=key))

    async def confirm_payment(self, payment: str, token: Secret, *, key: str) -> Payment:
        """Confirm the PaymentIntent. A failure that is replayed is not tried again under another key."""
        asked = {"payment_method_data": {"shared_payment_granted_token": token.reveal()}}

        def confirm() -> Awaitable[object]:
            options: Any = {"idempotency_key": key, "stripe_version": PREVIEW_VERSION}
            return self._intents.confirm_async(payment, cast("Any", asked), options)

        try:
            return to_payment(await self._request(confirm, PaymentIntent))
        except ProviderRefused as refused:
            raise TokenRefused(CODE_REFUSALS.get(refused.code, "declined")) from None


def _units(amount: Money) -> tuple[int, str]:
    try:
        return to_stripe(amount)
    except NotPayable as error:
        raise ProviderRefused(str(error), cause=error.cause) from None
