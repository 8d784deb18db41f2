"""Databases that are closed when the test ends."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storefront_mcp.database import Database


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Open the test's one file, as another process would."""
    databases: list[Database] = []

    def opened() -> Database:
        databases.append(Database(tmp_path / "storefront.db"))
        return databases[-1]

    yield opened
    for database in databases:
        database.close()


@pytest.fixture
def database(opened: Callable[[], Database]) -> Database:
    """The test's one file."""
    return opened()
