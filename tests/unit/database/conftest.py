"""Databases of both kinds, closed when the test ends."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storefront_mcp.database import Database
from tests.postgres import fresh_postgres, postgres

__all__ = ["fresh_postgres", "postgres"]


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the test's one database is, which does not exist or is empty yet."""
    if request.param == "sqlite":
        return str(tmp_path / "storefront.db")
    url: str = request.getfixturevalue("fresh_postgres")()
    return url


@pytest.fixture
def opened(where: str) -> Iterator[Callable[[], Database]]:
    """Open the test's one database, as another process would."""
    databases: list[Database] = []

    def opened() -> Database:
        databases.append(Database(where))
        return databases[-1]

    yield opened
    for database in databases:
        database.close()


@pytest.fixture
def database(opened: Callable[[], Database]) -> Database:
    """The test's one database."""
    return opened()
