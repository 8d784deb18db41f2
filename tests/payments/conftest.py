"""Stripe's library and our fake of Stripe, talking over a real socket."""

from collections.abc import AsyncIterator, Iterator

import pytest

from storefront_mcp.payments.stripe import StripeProvider
from tests.fake_stripe import Desk
from tests.fake_stripe.app import StripeServer
from tests.payments.tills import HURRIED, SECRET, TILLS, Till
from tests.serving import served


@pytest.fixture(params=sorted(TILLS))
async def till(request: pytest.FixtureRequest) -> AsyncIterator[Till]:
    """Each provider in turn."""
    async with TILLS[request.param]() as till:
        yield till


@pytest.fixture(scope="session")
def fake() -> Iterator[str]:
    """The address of a fake for all tests of this folder."""
    with served(StripeServer(), log_level="critical") as url:
        yield url


@pytest.fixture
async def desk(fake: str) -> AsyncIterator[Desk]:
    """A Stripe account, new for every test."""
    desk = Desk(fake)
    await desk.reset()
    yield desk
    await desk.close()


@pytest.fixture
async def stripe(desk: Desk) -> AsyncIterator[StripeProvider]:
    """Our side of it."""
    provider = StripeProvider(desk.key, secrets=[SECRET], patience=HURRIED, url=desk.url)
    yield provider
    await provider.close()
