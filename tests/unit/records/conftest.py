"""Databases of both kinds."""

from tests.unit.database.conftest import database, fresh_postgres, opened, postgres, where

__all__ = ["database", "fresh_postgres", "opened", "postgres", "where"]
