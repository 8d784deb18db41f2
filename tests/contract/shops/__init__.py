"""Every kind of shop that the contract is asked of: a module each, whose `open_shop` opens one."""

import importlib
import pkgutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from tests.contract.shops.contract_shop import ContractShop

Opener = Callable[[], AbstractAsyncContextManager[ContractShop]]

OPENERS: Final[dict[str, Opener]] = {
    found.name: importlib.import_module(f"{__name__}.{found.name}").open_shop
    for found in pkgutil.iter_modules(__path__)
    if found.name != "contract_shop"
}
"""By kind. A new kind of shop is a new module here, and nothing else."""
