"""What is said of Medusa's customers, asked of a real Medusa."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.questions import MEDUSA_QUESTIONS
from tests.contract.test_medusa_accounts import MedusaSite
from tests.external.medusa.contract_shop import open_shop
from tests.external.medusa.server import MedusaServer

globals().update(MEDUSA_QUESTIONS)


@pytest.fixture
async def site(medusa: MedusaServer) -> AsyncIterator[MedusaSite]:
    """The one shop there is here."""
    async with open_shop(medusa) as every:
        yield MedusaSite(every=every, url=every.url, key=medusa.keys.publishable)
