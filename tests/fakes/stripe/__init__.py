"""A Stripe of our own for tests: Checkout Sessions, PaymentIntents, idempotency keys, webhooks, and every way to fail.

It speaks Stripe's HTTP on loopback to the real `stripe` library, and keeps books that a test can audit. Nothing of it
is shipped. `running()` serves it from a thread; `python -m tests.fakes.stripe --port 0` from a process of its own.
"""

from tests.fakes.stripe.control import FakeStripe, running

__all__ = ["FakeStripe", "running"]
