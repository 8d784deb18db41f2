"""The same database fixtures as in `tests/database`."""

from tests.database.conftest import database, opened

__all__ = ["database", "opened"]
