"""Databases of both kinds for the records of sign-ins."""

from tests.unit.database.conftest import database, fresh_postgres, opened, postgres, where

__all__ = ["database", "fresh_postgres", "opened", "postgres", "where"]
