"""The use case of an agent that pays a checkout by a token, without the payment page.

The page is closed first. The record says that a payment is asked for before it is, and has the payment's id before the
token is sent; the token itself is nowhere on record. From then on whoever finds the record can end it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Literal

from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.checkout import payment_steps
from storefront_mcp.checkout.context import CheckoutContext, provider_key
from storefront_mcp.checkout.leasing import Lease, lease_checkout
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.states import transition
from storefront_mcp.commerce.errors import CheckoutNotFound, PaymentDown
from storefront_mcp.commerce.money import Money
from storefront_mcp.payments.provider import Payment, ProviderDown, ProviderRefused
from storefront_mcp.payments.tokens import TokenHandler, TokenPayments, TokenRefusal, TokenRefused

log: Final = logging.getLogger(__name__)

MAX_TOKEN_TRIES: Final = 5
"""Payments by a token that are asked for per checkout; after them the page takes the payment."""
ORDER_WAIT_SECONDS: Final = 4.0
"""How long an answer waits for the order."""
UNCLEAR_PAUSE_SECONDS: Final = 10.0
"""After an unclear answer, until the payment is looked at."""

TokenProblem = TokenRefusal | Literal["changed", "not_payable", "challenged"]
"""changed: its total is not the one that the agent knows. not_payable: this checkout takes no token, or none any more.
challenged: the buyer's bank wants to see the buyer, so that only the page takes the payment."""


class TokenCheckout:
    """Payment by token of one store's checkouts; `start_advancing` advances one in a task and returns the task."""

    def __init__(
        self, context: CheckoutContext, tokens: TokenPayments, start_advancing: Callable[[str], "asyncio.Task[None]"]
    ) -> None:
        self._context = context
        self._tokens = tokens
        self._start_advancing = start_advancing

    @property
    def handler(self) -> TokenHandler:
        """What agents are told."""
        return self._tokens.handler

    async def accepts(self, checkout: str) -> bool:
        """Whether a token may pay a checkout now, by its id with or without the secret part."""
        return self._is_payable(await self._find(checkout))

    async def pay(self, checkout: str, token: Secret, *, total: Money) -> TokenProblem | None:
        """Pay it, if its total is still this one, and wait a little for the order; what is in the way.

        None: it is paid, or its status says more.
        Raises PaymentDown while the provider does not answer and nothing was asked of it, and ShopBusy.
        """
        found = await self._find(checkout)
        async with lease_checkout(self._context, found.id) as lease:
            try:
                problem = await self._pay(lease, token, total)
            except (ProviderDown, ProviderRefused) as error:
                raise PaymentDown(internal=f"{found.id}: {error}") from error
        if lease.checkout.live and lease.checkout.state not in {"open", "authorizing"}:
            await asyncio.wait({self._start_advancing(found.id)}, timeout=ORDER_WAIT_SECONDS)
        return problem

    def _is_payable(self, checkout: Checkout) -> bool:
        """Whether it is open and the provider would take its total from a token."""
        context = self._context
        return (
            checkout.state == "open"
            and checkout.online
            and checkout.settles == "provider"
            and not checkout.challenged
            and checkout.token_try < MAX_TOKEN_TRIES
            and context.now() < checkout.expires_at
            and context.payment_stop() is None
        )

    async def _pay(self, lease: Lease, token: Secret, total: Money) -> TokenProblem | None:
        """Check the token, close the page, and hold the total. Raises ProviderDown before anything is asked for."""
        context, checkout = self._context, lease.checkout
        if checkout.state != "open":
            return None
        if not self._is_payable(checkout):
            return "not_payable"
        if checkout.totals.total != total:
            return "changed"
        try:
            await self._tokens.check_token(token, total, now=context.now())
        except TokenRefused as refused:
            return refused.cause
        checkout = await lease.write(await payment_steps.expire_session(context, checkout))
        if checkout.state != "open":
            return None
        if not checkout.session_over:
            message = f"{checkout.id}: its payment page is neither closed nor paid yet"
            raise ProviderDown(message)
        wanted = {"token_try": checkout.token_try + 1, "session": None, "payment": None, "declined": False}
        await lease.write(transition(checkout, "authorizing", now=context.now(), **wanted))
        return await self._authorize(lease, token)

    async def _authorize(self, lease: Lease, token: Secret) -> TokenProblem | None:
        """Hold the total of a checkout in `authorizing`; without a clear answer it stays there, for the reconciler."""
        context, checkout = self._context, lease.checkout
        problem: TokenProblem | None = None
        try:
            prepared = await self._tokens.prepare_payment(
                checkout.id, checkout.totals.total, key=provider_key(checkout, "token", checkout.token_try)
            )
            checkout = await lease.write(replace(checkout, payment=prepared.id))
            confirmed, problem = await self._confirm(checkout, token)
            if confirmed is not None and confirmed.state == "authorized":
                now = context.now()
                await lease.write(transition(checkout, "authorized", now=now, paid_at=now))
                log.info("%s: paid by a token of the buyer's agent", checkout.id)
                return None
            after = await payment_steps.settle_token_payment(context, checkout)
        except ProviderRefused as refused:
            # Nothing was confirmed: the payment could not even be prepared, or its end is looked at again.
            log.warning("%s: no payment by token: %s", checkout.id, refused)
            after, problem = replace(lease.checkout, due_at=context.now()), "not_payable"
            if after.payment is None:
                after = await payment_steps.settle_token_payment(context, after)
        except ProviderDown as unclear:
            log.warning("%s: whether a token has paid is not known yet: %s", checkout.id, unclear)
            after = replace(lease.checkout, due_at=context.now() + UNCLEAR_PAUSE_SECONDS)
        if after.state == "open":
            after = replace(after, challenged=problem == "challenged", declined=problem == "declined")
        await lease.write(after)
        return problem if after.state == "open" else None

    async def _confirm(self, checkout: Checkout, token: Secret) -> tuple[Payment | None, TokenProblem | None]:
        """The payment after the token was sent, and what is in the way where it is not held. Raises ProviderDown."""
        payment = checkout.payment or ""
        key = provider_key(checkout, "confirm", checkout.token_try)
        try:
            return await self._tokens.confirm_payment(payment, token, key=key), "challenged"
        except TokenRefused as refused:
            return None, refused.cause

    async def _find(self, checkout: str) -> Checkout:
        found = await self._context.records.find(self._context.store.id, checkout.partition(".")[0])
        if found is None:
            raise CheckoutNotFound(staff=self._context.store.staff)
        return found
