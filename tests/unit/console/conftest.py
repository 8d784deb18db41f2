"""One served console per module."""

from collections.abc import Iterator

import pytest

from tests.unit.console.environment import Browser, Stage, staged


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("console")) as stage:
        yield stage


@pytest.fixture
def browser(stage: Stage) -> Iterator[Browser]:
    """Somebody who is not signed in."""
    with stage.browser() as browser:
        yield browser
