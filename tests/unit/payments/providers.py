"""Every provider, with the buyer who stands in front of it: what the contract of the port is tried on.

A provider joins by another entry in `PROVIDER_CASES`.
"""

import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.database.engine import Database
from storefront_mcp.database.sandbox import SqlSandboxRepository
from storefront_mcp.payments.provider import PaymentProvider, PaymentSessionRequest
from storefront_mcp.payments.sandbox import SESSION_PREFIX, SandboxLink, SandboxPayment, SandboxProvider
from storefront_mcp.payments.stripe.provider import StripeProvider, StripeTimeouts
from tests.fakes.stripe import running

SECRET = "whsec_contract"
RETURN_URL, CANCEL_URL = "https://shop.example/pay/tok?done=1", "https://shop.example/pay/tok"
PRICE = Money(5500, "AUD")
HURRIED = StripeTimeouts(connect=2, read=5, total=8, repeats=0)
"""No repetitions by the library: they wait half a second each."""


class Buyer(Protocol):
    """What a person does on the provider's page. All take the session's id."""

    async def pay(self, session: str) -> Any:
        """With a good card, or by finishing what the bank asked for."""

    async def decline(self, session: str) -> Any:
        """With a bad card."""

    async def challenge(self, session: str) -> Any:
        """With a card whose bank asks for more, and stop there."""

    async def fail(self, session: str) -> Any:
        """Fail what the bank asked for."""

    async def forward(self, seconds: float) -> Any:
        """Let time pass at the provider."""


@dataclass(frozen=True)
class ProviderCase:
    """A provider and its buyer."""

    provider: PaymentProvider
    buyer: Buyer


@contextlib.asynccontextmanager
async def stripe() -> AsyncIterator[ProviderCase]:
    """The real library over real HTTP."""
    async with running() as fake:
        provider = StripeProvider(fake.key, secrets=[SECRET], timeouts=HURRIED, url=fake.url)
        yield ProviderCase(provider, fake)
        await provider.close()


class SandboxBuyer:
    """The person at the sandbox's page."""

    def __init__(self) -> None:
        self.provider: SandboxProvider
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    async def pay(self, session: str) -> None:
        record = await self._attempt(session, works=True)
        assert record.session == "complete", "the page is closed"

    async def decline(self, session: str) -> None:
        await self._attempt(session, works=False)

    async def challenge(self, session: str) -> None:
        """Only a look: the sandbox's second step is the page's alone."""

    async def fail(self, session: str) -> None:
        await self._attempt(session, works=False)

    async def forward(self, seconds: float) -> None:
        self.ahead += seconds

    async def _attempt(self, session: str, *, works: bool) -> SandboxPayment:
        link = SandboxLink(id=session.removeprefix(SESSION_PREFIX), return_url=RETURN_URL, cancel_url=CANCEL_URL)
        record = await self.provider.attempt(link, works=works)
        assert record is not None
        return record


@contextlib.asynccontextmanager
async def sandbox() -> AsyncIterator[ProviderCase]:
    """Our own, with its payments in a database of its own."""
    buyer = SandboxBuyer()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "sandbox.db")
        buyer.provider = SandboxProvider(
            StoreId("pickle"), "https://pickle.example", SqlSandboxRepository(database), now=buyer.now
        )
        yield ProviderCase(buyer.provider, buyer)
        database.close()


PROVIDER_CASES: Final[dict[str, Callable[[], AbstractAsyncContextManager[ProviderCase]]]] = {
    "stripe": stripe,
    "sandbox": sandbox,
}


def session_request(
    checkout: str = "chk_1", *, amount: Money = PRICE, email: str = "ada@example.com", **more: Any
) -> PaymentSessionRequest:
    """A page for 55 Australian dollars, open for an hour."""
    return PaymentSessionRequest(
        checkout=checkout,
        amount=amount,
        email=email,
        **{
            "title": "Brine & Barrel, order chk_1",
            "return_url": RETURN_URL,
            "cancel_url": CANCEL_URL,
            "expires_at": int(time.time()) + 3600,
            **more,
        },
    )
