"""Databases of both kinds for the records of sign-ins, and an authorization server over one file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storefront_mcp.database import Database
from tests.unit.database.conftest import database, fresh_postgres, opened, postgres, where
from tests.unit.oauth.authorizing import AuthorizationWorld

__all__ = ["database", "fresh_postgres", "opened", "postgres", "where"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AuthorizationWorld]:
    own = Database(tmp_path / "authorization.db")
    yield AuthorizationWorld(own)
    own.close()
