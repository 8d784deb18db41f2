"""The Stripe provider: a hosted Checkout Session, and a PaymentIntent with manual capture."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote

import httpx
import msgspec
import stripe
from msgspec import Struct

from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.commerce.money import Money
from storefront_mcp.payments.provider import (
    Payment,
    PaymentSession,
    PaymentSessionRequest,
    ProviderDown,
    ProviderEvent,
    ProviderRefused,
    RefusalCause,
)
from storefront_mcp.payments.stripe.amounts import NotPayable, check_charge, to_stripe
from storefront_mcp.payments.stripe.events import read_event
from storefront_mcp.payments.stripe.key_probe import key_mode
from storefront_mcp.payments.stripe.objects import PaymentIntent, StripeCheckoutSession

T = TypeVar("T")

DEFINITE_ERRORS: Final = (stripe.CardError, stripe.IdempotencyError, stripe.InvalidRequestError)
"""Errors that mean rejected: 400, 402 and 404. After all others the outcome is unknown. A key that Stripe does not
accept is not among them, so that checkouts go on once the operator has corrected it."""
CODE_CAUSES: Final[Mapping[str, RefusalCause]] = {
    "amount_too_small": "too_small",
    "amount_too_large": "too_large",
    "invalid_charge_amount": "step",
    "email_invalid": "email",
}
PARAM_CAUSES: Final[Mapping[str, RefusalCause]] = {
    "currency": "currency",
    "unit_amount": "step",
    "customer_email": "email",
    "expires_at": "expiry",
}
"""What is refused, by a part of the error's code, else of the parameter's name."""
MAX_KEYS_PER_STEP: Final = 4
"""How many idempotency keys one step may use up, see `StripeProvider._write`."""


class StripeTimeouts(Struct, frozen=True, kw_only=True):
    """Timeouts of requests to Stripe, in seconds."""

    connect: float = 5.0
    read: float = 15.0
    """Between two chunks of a response."""
    total: float = 30.0
    """Of a whole step with its retries: a buyer waits for the page."""
    repeats: int = 2
    """Retries by the library after a lost connection, a timeout, 409 and 5xx, at least 0.5 s apart; safe, as every
    write has an idempotency key."""


class _HttpxClient(stripe.HTTPXClient):
    """The library's client, without its use of a deprecated httpx argument, which warns at every request."""

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None
    ) -> tuple[tuple[str, str], dict[str, Any]]:
        return (method, url), {"headers": headers, "content": post_data, "timeout": self._timeout}


class StripeProvider:
    """Implements `payments.provider.PaymentProvider` for one Stripe account.

    `key` is a secret or, better, a restricted key (Checkout Sessions and PaymentIntents, write; Charges, read);
    `secrets` are those of the webhook endpoint, several while one is being rotated. `url` is for tests.
    """

    name: Final = "stripe"

    def __init__(
        self, key: str, *, secrets: Sequence[str], timeouts: StripeTimeouts | None = None, url: str | None = None
    ) -> None:
        # Globals, as the library has no other place for them. Its telemetry writes a file into the home directory and
        # sends latencies to Stripe; its log quotes errors, which may hold an e-mail address.
        stripe.enable_telemetry = False
        logging.getLogger("stripe").setLevel(logging.WARNING)
        timeouts = timeouts or StripeTimeouts()
        self.is_test = key_mode(key) == "test"
        self._secrets = tuple(secrets)
        self._total = timeouts.total
        timeout = httpx.Timeout(timeouts.read, connect=timeouts.connect, pool=timeouts.connect)
        self._http = _HttpxClient(timeout=timeout)
        client = self._stripe = stripe.StripeClient(
            key,
            http_client=self._http,
            max_network_retries=timeouts.repeats,
            base_addresses={"api": url} if url else {},
        )
        self._sessions, self._intents = client.v1.checkout.sessions, client.v1.payment_intents

    def payment_url(self, payment: str) -> str | None:
        """Its page in Stripe's dashboard."""
        return f"https://dashboard.stripe.com/{'test/' if self.is_test else ''}payments/{quote(payment, safe='')}"

    def check_amount(self, amount: Money) -> None:
        """Check an amount against what Stripe documents."""
        try:
            check_charge(amount)
        except NotPayable as error:
            raise ProviderRefused(str(error), cause=error.cause) from None

    async def open_session(self, request: PaymentSessionRequest, *, key: str) -> PaymentSession:
        """Create a Checkout Session with one line, the total, so that the payment's amount equals the order's.

        Stripe wants `expires_at` between 30 minutes and 24 hours ahead at the first request.
        """
        try:
            number, currency = to_stripe(request.amount)
        except NotPayable as error:
            raise ProviderRefused(str(error), cause=error.cause) from None

        def create(key: str) -> Awaitable[object]:
            return self._sessions.create_async(
                {
                    "mode": "payment",
                    "ui_mode": "hosted_page",
                    "line_items": [
                        {
                            "quantity": 1,
                            "price_data": {
                                "currency": currency,
                                "unit_amount": number,
                                "product_data": {"name": request.title},
                            },
                        }
                    ],
                    "client_reference_id": request.checkout,
                    "customer_email": request.email,
                    "metadata": {"checkout_id": request.checkout},
                    "payment_intent_data": {
                        "capture_method": "manual",
                        "metadata": {"checkout_id": request.checkout},
                    },
                    "allowed_payment_method_types": ["card"],
                    # Off: what could change the amount.
                    "adaptive_pricing": {"enabled": False},
                    "automatic_tax": {"enabled": False},
                    "allow_promotion_codes": False,
                    "expires_at": request.expires_at,
                    "success_url": request.return_url,
                    "cancel_url": request.cancel_url,
                },
                {"idempotency_key": key},
            )

        return (await self._write(create, StripeCheckoutSession, key=key)).session()

    async def session(self, session: str) -> PaymentSession:
        """Retrieve a Checkout Session with its PaymentIntent, which tells of declined attempts."""

        def retrieve() -> Awaitable[object]:
            return self._sessions.retrieve_async(session, {"expand": ["payment_intent"]})

        return (await self._request(retrieve, StripeCheckoutSession)).session()

    async def expire_session(self, session: str, *, key: str) -> PaymentSession:
        """Expire a Checkout Session; one that is not open is refused by Stripe and retrieved instead."""

        def expire(key: str) -> Awaitable[object]:
            return self._sessions.expire_async(session, {"expand": ["payment_intent"]}, {"idempotency_key": key})

        try:
            return (await self._write(expire, StripeCheckoutSession, key=key)).session()
        except ProviderRefused:
            found = await self.session(session)
            if found.state == "open":
                raise
            return found

    async def payment(self, payment: str) -> Payment:
        """Retrieve a PaymentIntent with its charge, which has `capture_before`."""

        def retrieve() -> Awaitable[object]:
            return self._intents.retrieve_async(payment, {"expand": ["latest_charge"]})

        return to_payment(await self._request(retrieve, PaymentIntent))

    async def capture(self, payment: str, *, key: str, amount: Money | None = None) -> Payment:
        """Capture a PaymentIntent; one that has ended is returned as it is."""
        try:
            part: dict[str, Any] = {} if amount is None else {"amount_to_capture": to_stripe(amount)[0]}
        except NotPayable as error:
            raise ProviderRefused(str(error), cause=error.cause) from None

        def capture(key: str) -> Awaitable[object]:
            return self._intents.capture_async(payment, cast("Any", part), {"idempotency_key": key})

        return await self._end_payment(capture, payment, key=key)

    async def release(self, payment: str, *, key: str) -> Payment:
        """Cancel a PaymentIntent. Stripe refuses that while its session is open: expire the session first."""

        def cancel(key: str) -> Awaitable[object]:
            return self._intents.cancel_async(payment, {"cancellation_reason": "abandoned"}, {"idempotency_key": key})

        return await self._end_payment(cancel, payment, key=key)

    def event(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """Verify and decode a webhook; see `read_event`."""
        return read_event(body, headers.get("stripe-signature"), secrets=self._secrets)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def _end_payment(self, step: Callable[[str], Awaitable[object]], payment: str, *, key: str) -> Payment:
        """Capture or cancel; a payment that has ended before is returned as it is."""
        try:
            return to_payment(await self._write(step, PaymentIntent, key=key))
        except ProviderRefused:
            found = await self.payment(payment)
            if found.state not in {"captured", "released"}:
                raise
            return found

    async def _write(self, step: Callable[[str], Awaitable[object]], kind: type[T], *, key: str) -> T:
        """Send a write under `key`, or under the next key when Stripe replays a stored failure.

        Stripe replays its first answer to a key for at least 24 h, failures included, and marks replays, so a step that
        failed once needs another key. That is safe: a second capture, cancel or expire is refused, and the URL of a
        session whose answer was lost is known to nobody. The sequence of keys is fixed, so every repetition of the step
        ends at the same answer.
        """
        keys = (f"{key}~{number}" if number else key for number in range(MAX_KEYS_PER_STEP))
        return await self._request(lambda: _first_fresh(step, keys), kind)

    async def _request(self, send: Callable[[], Awaitable[object]], kind: type[T]) -> T:
        """Send a request and decode the answer. Raises ProviderDown, ProviderRefused.

        Neither is chained to Stripe's error, whose text may quote an e-mail address or the end of a key.
        """
        try:
            async with asyncio.timeout(self._total):
                answer = await send()
        except TimeoutError:
            message = f"no answer in {self._total:g} s"
            raise ProviderDown(message) from None
        except stripe.StripeError as error:
            raise _provider_error(error) from None
        except UnicodeDecodeError:
            raise ProviderDown("an answer that is no text") from None
        try:
            # A JSON value that is no object stays what it is.
            return msgspec.convert(answer.to_dict() if isinstance(answer, stripe.StripeObject) else answer, kind)
        except msgspec.ValidationError as error:
            message = f"an answer that cannot be read: {error}"
            raise ProviderDown(message) from None


async def _first_fresh(step: Callable[[str], Awaitable[object]], keys: Iterator[str]) -> object:
    """The first answer that is no replayed failure; raises the last failure when the keys run out."""
    last: stripe.StripeError | None = None
    for key in keys:
        try:
            return await step(key)
        except stripe.StripeError as error:
            last = error
            if (error.headers or {}).get("idempotent-replayed") != "true":
                break
    raise last or AssertionError("no keys")


def to_payment(intent: PaymentIntent) -> Payment:
    """The intent as the provider protocol has it. Raises ProviderDown for an amount that cannot be read."""
    try:
        return intent.payment()
    except NotPayable as error:
        raise ProviderDown(str(error)) from None


def _provider_error(error: stripe.StripeError) -> ProviderDown | ProviderRefused:
    """Stripe's error without its message: cause, status, code, parameter and request id."""
    cause = error.__cause__
    facts = {
        "after": error_name(cause) if cause else None,
        "status": error.http_status,
        "code": error.code,
        "param": getattr(error, "param", None),
        "request": error.request_id,
    }
    said = ", ".join([error_name(error), *(f"{name} {fact}" for name, fact in facts.items() if fact)])
    if not isinstance(error, DEFINITE_ERRORS):
        return ProviderDown(said)
    code = error.code or ""
    return ProviderRefused(said, cause=_refusal_cause(code, str(facts["param"] or "")), code=code)


def _refusal_cause(code: str, param: str) -> RefusalCause:
    """What Stripe did not take, by its error's code and the parameter that it names."""
    causes = [cause for word, cause in CODE_CAUSES.items() if word in code]
    causes += [cause for word, cause in PARAM_CAUSES.items() if word in param]
    return causes[0] if causes else "configuration"
