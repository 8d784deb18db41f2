"""Stripe's library against the fake Stripe, over a real socket."""

from collections.abc import AsyncIterator, Iterator

import pytest

from storefront_mcp.payments.stripe.provider import StripeProvider
from tests.fakes.stripe import FakeStripe
from tests.fakes.stripe.app import StripeServer
from tests.serving import served
from tests.unit.payments.providers import HURRIED, PROVIDER_CASES, SECRET, ProviderCase


@pytest.fixture(params=sorted(PROVIDER_CASES))
async def case(request: pytest.FixtureRequest) -> AsyncIterator[ProviderCase]:
    """Each provider in turn."""
    async with PROVIDER_CASES[request.param]() as case:
        yield case


@pytest.fixture(scope="session")
def fake_url() -> Iterator[str]:
    """The address of a fake for all tests of this folder."""
    with served(StripeServer(), log_level="critical") as url:
        yield url


@pytest.fixture
async def fake(fake_url: str) -> AsyncIterator[FakeStripe]:
    """A Stripe account, new for every test."""
    fake = FakeStripe(fake_url)
    await fake.reset()
    yield fake
    await fake.close()


@pytest.fixture
async def stripe(fake: FakeStripe) -> AsyncIterator[StripeProvider]:
    """Our side of it."""
    provider = StripeProvider(fake.key, secrets=[SECRET], timeouts=HURRIED, url=fake.url)
    yield provider
    await provider.close()
