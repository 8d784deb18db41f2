"""What the contract asks of every adapter, for a module that asks one shop all of it: `globals().update(QUESTIONS)`."""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from tests.contract import (
    test_every_account,
    test_every_cart,
    test_every_catalogue,
    test_every_lister,
    test_every_order,
    test_medusa_accounts,
)


def _questions(*modules: ModuleType) -> dict[str, Callable[..., Any]]:
    return {
        name: question
        for asked in modules
        for name, question in inspect.getmembers(asked, inspect.iscoroutinefunction)
        if name.startswith("test_")
    }


QUESTIONS: Final = _questions(test_every_catalogue, test_every_cart, test_every_order)
"""By name; each wants a fixture `every`, a `ContractShop`."""
LISTER_QUESTIONS: Final = _questions(test_every_lister)
"""The same of a shop with a `lister`."""
ACCOUNT_QUESTIONS: Final = _questions(test_every_account)
"""The same of a shop with `customers`."""
MEDUSA_QUESTIONS: Final = _questions(test_medusa_accounts)
"""What is Medusa's own; each wants a fixture `site`, a `MedusaSite`."""
