"""Every kind of shop that stories are told over: a module each, whose `open_shop` opens one that sells in a currency.

`LACKS` of a module says what its software has not, each with the reason: who asks for it by the mark `needs` is not
told over it.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final

from tests.journeys.shops.journey_shop import JourneyShop

Opener = Callable[[str], AbstractContextManager[JourneyShop]]

_MODULES: Final = {
    found.name: importlib.import_module(f"{__name__}.{found.name}")
    for found in pkgutil.iter_modules(__path__)
    if found.name != "journey_shop"
}
OPENERS: Final[dict[str, Opener]] = {kind: module.open_shop for kind, module in _MODULES.items()}
"""By kind; the argument is an ISO 4217 code. A new kind of shop is a new module here, and nothing else."""
LACKS: Final[dict[str, Mapping[str, str]]] = {kind: module.LACKS for kind, module in _MODULES.items()}
"""Reasons by capability, by kind."""
EMBEDDED: Final = "demo"
"""The shop of `make run`, in our own process: tests cannot reach into it."""
SERVED: Final = [kind for kind in OPENERS if kind != EMBEDDED]
