"""What the contract asks of every adapter, asked of Medusa's over a real Medusa."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.questions import ACCOUNT_QUESTIONS, LISTER_QUESTIONS, QUESTIONS
from tests.contract.shops.contract_shop import ContractShop
from tests.external.medusa.contract_shop import open_shop
from tests.external.medusa.server import MedusaServer

globals().update(QUESTIONS | LISTER_QUESTIONS | ACCOUNT_QUESTIONS)


@pytest.fixture
async def every(medusa: MedusaServer) -> AsyncIterator[ContractShop]:
    """The one shop there is here."""
    async with open_shop(medusa) as opened:
        yield opened
