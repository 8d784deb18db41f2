"""Twenty wishes, fulfilled over three protocol versions: each ends as it should."""

from collections.abc import Iterator

import pytest

from tests.journeys.wishes import WISHES
from tests.journeys.wishes.shopper import Shopper, Wish, WishShop, open_shop

pytestmark = pytest.mark.slow

VERSIONS = ("2025-03-26", "2025-11-25", "2026-07-28")
VERSION_PARAMS = [*(pytest.param(version, marks=pytest.mark.slow) for version in VERSIONS[:-1]), VERSIONS[-1]]
"""With text alone, with structured content, and without a handshake."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WishShop]:
    """A demo of its own, which one of the wishes pauses."""
    with open_shop(tmp_path_factory.mktemp("wishes")) as opened:
        yield opened


def test_there_are_twenty() -> None:
    assert len({wish.script for wish in WISHES}) == len({wish.words for wish in WISHES}) == 20


@pytest.fixture(scope="module")
def mirrored_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WishShop]:
    """The demo as `make run` serves it, with a mirror of its catalogue."""
    with open_shop(tmp_path_factory.mktemp("mirrored"), mirror=True) as opened:
        yield opened


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.script.__name__)
async def test_a_wish_ends_the_same_where_the_catalogue_is_mirrored(wish: Wish, mirrored_shop: WishShop) -> None:
    async with Shopper(mirrored_shop, VERSIONS[1]) as shopper:
        await wish.script(shopper)


@pytest.mark.parametrize("version", VERSION_PARAMS)
@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.script.__name__)
async def test_a_wish_ends_as_it_should(wish: Wish, version: str, shop: WishShop) -> None:
    async with Shopper(shop, version) as shopper:
        await wish.script(shopper)
        assert shopper.calls > 1
