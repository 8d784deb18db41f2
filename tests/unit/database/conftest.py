"""Databases of both kinds, closed when the test ends."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storefront_mcp.database import Database
from storefront_mcp.database.sqlite import SqliteDriver
from tests.postgres import fresh_postgres, postgres

__all__ = ["fresh_postgres", "postgres"]


@pytest.fixture(autouse=True)
def tables_are_created(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of the database create their tables, instead of copying a file that has them (`tests/repeated_work.py`)."""
    monkeypatch.setattr(SqliteDriver, "prepare", getattr(SqliteDriver.prepare, "__wrapped__", SqliteDriver.prepare))


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
