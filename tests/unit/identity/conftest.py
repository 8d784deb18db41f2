"""Issuers, clocks and records that tests of identity share."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storefront_mcp.database import Database
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from tests.unit.identity.issuer import Issuer


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.start = dt.datetime.now(dt.UTC).replace(microsecond=0)

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> dt.datetime:
        return self.start + dt.timedelta(seconds=self.seconds - 1_000.0)

    def tick(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.close()


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
def record(opened: Callable[[], Database], clock: Clock) -> SqlApiKeyRepository:
    return SqlApiKeyRepository(opened(), now=clock.now)
