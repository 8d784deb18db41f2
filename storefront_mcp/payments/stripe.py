"""Stripe: a hosted Checkout Session where a person pays, and the PaymentIntent that holds their money."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import httpx
import msgspec
import stripe
from msgspec import Struct

from storefront_mcp.payments.port import (
    Event,
    Payment,
    ProviderDown,
    ProviderRefused,
    Session,
    SessionWanted,
)
from storefront_mcp.payments.stripe_amounts import NotPayable, sent
from storefront_mcp.payments.stripe_answers import CheckoutSession, Intent
from storefront_mcp.payments.stripe_events import read_event

T = TypeVar("T")

CERTAIN: Final = (stripe.CardError, stripe.IdempotencyError, stripe.InvalidRequestError)
"""Errors that mean no: 400, 402 and 404 in Stripe's own words. All others, and no answer at all, mean that we do not
know. A key that Stripe does not take is none of them: once the operator has put it right, everything goes on."""
KEYS: Final = 4
"""How many idempotency keys one step may use up, see `StripeProvider._write`."""


class Patience(Struct, frozen=True, kw_only=True):
    """How long Stripe may take; times in seconds."""

    connect: float = 5.0
    read: float = 15.0
    """Between two pieces of an answer."""
    total: float = 30.0
    """For a whole step with its repetitions: a person waits for the page."""
    repeats: int = 2
    """After a lost connection, a timeout, 409 and 5xx, by the library, half a second and more apart: every write
    carries a key and every read is harmless, so that repeating does nothing twice."""


class _Wire(stripe.HTTPXClient):
    """The library's client, but for a form sent in a way that httpx deprecates, which is a warning per request."""

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None
    ) -> tuple[tuple[str, str], dict[str, Any]]:
        return (method, url), {"headers": headers, "content": post_data, "timeout": self._timeout}


class StripeProvider:
    """Takes money through one Stripe account. See `port.Provider`.

    `key` is a secret or, better, a restricted key (Checkout Sessions and PaymentIntents, write; Charges, read);
    `secrets` are those of the webhook endpoint, several while one is being replaced. `url` is for tests.
    """

    name: Final = "stripe"

    def __init__(
        self, key: str, *, secrets: Sequence[str], patience: Patience | None = None, url: str | None = None
    ) -> None:
        # Globals of the library, which has no other place for them. Its telemetry leaves a file in the home directory
        # and tells Stripe how long we took; its log quotes refusals, which may quote an e-mail address.
        stripe.enable_telemetry = False
        logging.getLogger("stripe").setLevel(logging.WARNING)
        patience = patience or Patience()
        self._secrets = tuple(secrets)
        self._total = patience.total
        timeout = httpx.Timeout(patience.read, connect=patience.connect, pool=patience.connect)
        self._http = _Wire(timeout=timeout)
        client = stripe.StripeClient(
            key,
            http_client=self._http,
            max_network_retries=patience.repeats,
            base_addresses={"api": url} if url else {},
        )
        self._sessions, self._intents = client.v1.checkout.sessions, client.v1.payment_intents

    async def open_session(self, wanted: SessionWanted, *, key: str) -> Session:
        """A Checkout Session with one line, the total: the PaymentIntent's amount must equal the order's.

        Stripe wants `expires_at` to be between 30 minutes and 24 hours away when it first hears of it.
        """
        try:
            number, currency = sent(wanted.amount)
        except NotPayable as error:
            raise ProviderRefused(str(error)) from None

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
                                "product_data": {"name": wanted.title},
                            },
                        }
                    ],
                    "client_reference_id": wanted.checkout,
                    "customer_email": wanted.email,
                    "metadata": {"checkout_id": wanted.checkout},
                    "payment_intent_data": {
                        "capture_method": "manual",
                        "metadata": {"checkout_id": wanted.checkout},
                    },
                    "allowed_payment_method_types": ["card"],
                    # Whatever could make the amount another one is off.
                    "adaptive_pricing": {"enabled": False},
                    "automatic_tax": {"enabled": False},
                    "allow_promotion_codes": False,
                    "expires_at": wanted.expires_at,
                    "success_url": wanted.return_url,
                    "cancel_url": wanted.cancel_url,
                },
                {"idempotency_key": key},
            )

        return (await self._write(create, CheckoutSession, key=key)).session()

    async def session(self, session: str) -> Session:
        """The Checkout Session with the PaymentIntent in it, which knows of declined tries."""

        def retrieve() -> Awaitable[object]:
            return self._sessions.retrieve_async(session, {"expand": ["payment_intent"]})

        return (await self._asked(retrieve, CheckoutSession)).session()

    async def expire_session(self, session: str, *, key: str) -> Session:
        """Only open sessions can be expired; what is refused is read again."""

        def expire(key: str) -> Awaitable[object]:
            return self._sessions.expire_async(session, {"expand": ["payment_intent"]}, {"idempotency_key": key})

        try:
            return (await self._write(expire, CheckoutSession, key=key)).session()
        except ProviderRefused:
            found = await self.session(session)
            if found.state == "open":
                raise
            return found

    async def payment(self, payment: str) -> Payment:
        """The PaymentIntent with its charge, which knows until when the money is held."""

        def retrieve() -> Awaitable[object]:
            return self._intents.retrieve_async(payment, {"expand": ["latest_charge"]})

        return _paid(await self._asked(retrieve, Intent))

    async def capture(self, payment: str, *, key: str) -> Payment:
        """Take what is held, all of it; `released` when it is gone."""

        def capture(key: str) -> Awaitable[object]:
            return self._intents.capture_async(payment, {}, {"idempotency_key": key})

        return await self._ended(capture, payment, key=key)

    async def release(self, payment: str, *, key: str) -> Payment:
        """Cancel the PaymentIntent. Stripe refuses while its session is open: expire that one first."""

        def cancel(key: str) -> Awaitable[object]:
            return self._intents.cancel_async(payment, {"cancellation_reason": "abandoned"}, {"idempotency_key": key})

        return await self._ended(cancel, payment, key=key)

    def event(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """Read a webhook; see `read_event`."""
        return read_event(body, headers.get("stripe-signature"), secrets=self._secrets)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def _ended(self, step: Callable[[str], Awaitable[object]], payment: str, *, key: str) -> Payment:
        """The payment after a last step; one that had ended before refuses the step, and is answered as it is."""
        try:
            return _paid(await self._write(step, Intent, key=key))
        except ProviderRefused:
            found = await self.payment(payment)
            if found.state not in {"captured", "released"}:
                raise
            return found

    async def _write(self, step: Callable[[str], Awaitable[object]], kind: type[T], *, key: str) -> T:
        """Take a step under `key`, or under the next key when Stripe has kept a failure under that one.

        Stripe repeats its first answer to a key for a day at least, failures included, and marks the repetition. Such
        a failure never goes away, so the step needs another key. That is safe: to capture, cancel or expire a second
        time is refused, and a page that was opened and never answered is known to nobody. The keys are a fixed row, so
        whoever repeats the step walks it again and ends at the same answer.
        """
        keys = (f"{key}~{number}" if number else key for number in range(KEYS))
        return await self._asked(lambda: _first_new(step, keys), kind)

    async def _asked(self, ask: Callable[[], Awaitable[object]], kind: type[T]) -> T:
        """What Stripe answers, in time; every failure in the port's words.

        None of them is chained to Stripe's own, whose text may quote what was sent: an e-mail address, a key's end.
        """
        try:
            async with asyncio.timeout(self._total):
                answer = await ask()
        except TimeoutError:
            message = f"no answer in {self._total:g} s"
            raise ProviderDown(message) from None
        except stripe.StripeError as error:
            raise _said(error) from None
        except UnicodeDecodeError:
            raise ProviderDown("an answer that is no text") from None
        try:
            # An answer that is no JSON object is handed on as it is: a list, a number.
            return msgspec.convert(answer.to_dict() if isinstance(answer, stripe.StripeObject) else answer, kind)
        except msgspec.ValidationError as error:
            message = f"an answer that cannot be read: {error}"
            raise ProviderDown(message) from None


async def _first_new(step: Callable[[str], Awaitable[object]], keys: Iterator[str]) -> object:
    """The first answer that is no failure out of the drawer; the last failure when the keys run out."""
    last: stripe.StripeError | None = None
    for key in keys:
        try:
            return await step(key)
        except stripe.StripeError as error:
            last = error
            if (error.headers or {}).get("idempotent-replayed") != "true":
                break
    raise last or AssertionError("no keys")


def _paid(intent: Intent) -> Payment:
    try:
        return intent.payment()
    except NotPayable as error:
        raise ProviderDown(str(error)) from None


def _said(error: stripe.StripeError) -> ProviderDown | ProviderRefused:
    """Stripe's error without its words: what the connection met, status, code, parameter, and Stripe's own number."""
    cause = error.__cause__
    facts = {
        "after": type(cause).__name__ if cause else None,
        "status": error.http_status,
        "code": error.code,
        "param": getattr(error, "param", None),
        "request": error.request_id,
    }
    said = ", ".join([type(error).__name__, *(f"{name} {fact}" for name, fact in facts.items() if fact)])
    return ProviderRefused(said) if isinstance(error, CERTAIN) else ProviderDown(said)
