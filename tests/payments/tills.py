"""Every provider, with the buyer who stands in front of it: what the contract of the port is tried on.

A provider joins by another entry in `TILLS`.
"""

import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database.engine import Database
from storefront_mcp.database.sandbox import DatabaseSandbox
from storefront_mcp.payments.port import Provider, SessionWanted
from storefront_mcp.payments.sandbox import SESSION, SandboxProvider, Slip
from storefront_mcp.payments.stripe import Patience, StripeProvider
from tests.fake_stripe import running

SECRET = "whsec_contract"
PRICE = Money(5500, "AUD")
HURRIED = Patience(connect=2, read=5, total=8, repeats=0)
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
class Till:
    """A provider and its buyer."""

    provider: Provider
    buyer: Buyer


@contextlib.asynccontextmanager
async def stripe() -> AsyncIterator[Till]:
    """The real library over real HTTP."""
    async with running() as desk:
        provider = StripeProvider(desk.key, secrets=[SECRET], patience=HURRIED, url=desk.url)
        yield Till(provider, desk)
        await provider.close()


class SandboxBuyer:
    """The person at the sandbox's page."""

    def __init__(self) -> None:
        self.provider: SandboxProvider
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    async def pay(self, session: str) -> None:
        slip = await self._tried(session, works=True)
        assert slip.session == "complete", "the page is closed"

    async def decline(self, session: str) -> None:
        await self._tried(session, works=False)

    async def challenge(self, session: str) -> None:
        """Only a look: the sandbox's second step is the page's alone."""

    async def fail(self, session: str) -> None:
        await self._tried(session, works=False)

    async def forward(self, seconds: float) -> None:
        self.ahead += seconds

    async def _tried(self, session: str, *, works: bool) -> Slip:
        slip = await self.provider.tried(session.removeprefix(SESSION), works=works)
        assert slip is not None
        return slip


@contextlib.asynccontextmanager
async def sandbox() -> AsyncIterator[Till]:
    """Our own, with its book in a database of its own."""
    buyer = SandboxBuyer()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "sandbox.db")
        buyer.provider = SandboxProvider(
            StoreId("pickle"), "https://pickle.example", DatabaseSandbox(database), now=buyer.now
        )
        yield Till(buyer.provider, buyer)
        database.close()


TILLS: Final[dict[str, Callable[[], AbstractAsyncContextManager[Till]]]] = {"stripe": stripe, "sandbox": sandbox}


def wanted(
    checkout: str = "chk_1", *, amount: Money = PRICE, email: str = "ada@example.com", **more: Any
) -> SessionWanted:
    """A page for 55 Australian dollars, open for an hour."""
    return SessionWanted(
        checkout=checkout,
        amount=amount,
        email=email,
        **{
            "title": "Brine & Barrel, order chk_1",
            "return_url": "https://shop.example/pay/tok?done=1",
            "cancel_url": "https://shop.example/pay/tok",
            "expires_at": int(time.time()) + 3600,
            **more,
        },
    )
