"""The same database fixtures as in `tests/unit/database`."""

from tests.unit.database.conftest import database, fresh_postgres, opened, postgres, where

__all__ = ["database", "fresh_postgres", "opened", "postgres", "where"]
