"""The demo shop in its states: everything delivered is open, all but ordering is, and everything is planned."""

from collections.abc import Iterator

import pytest

from tests.external.scanners.running import demo, opened


@pytest.fixture(scope="package")
def open_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a demo shop with its delivered phases open."""
    with demo(tmp_path_factory.mktemp("open") / "state") as origin:
        yield origin


@pytest.fixture(scope="package")
def cart_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a demo shop in which orders cannot be placed yet."""
    state = tmp_path_factory.mktemp("cart") / "state"
    with demo(state, "--planned") as origin:
        opened(origin, state, "p1_browse", "p2_cart")
        yield origin


@pytest.fixture(scope="package")
def planned_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a demo shop in which nothing is open yet."""
    with demo(tmp_path_factory.mktemp("planned") / "state", "--planned") as origin:
        yield origin


@pytest.fixture(params=["open", "planned"])
def shop(request: pytest.FixtureRequest) -> str:
    """Either of them."""
    origin: str = request.getfixturevalue(f"{request.param}_shop")
    return origin
