"""The demo shop, as `make run` serves it."""

import contextlib
from collections.abc import Iterator

from tests.journeys.shops.journey_shop import JourneyShop

LACKS: dict[str, str] = {}


@contextlib.contextmanager
def open_shop(currency: str) -> Iterator[JourneyShop]:
    """The store's own process opens it."""
    yield JourneyShop(
        kind="demo",
        set_up={"currency": currency},
        parcel="auspost_parcel",
        express="auspost_express",
        abroad="auspost_international",
    )
