"""Databases of both kinds."""

from tests.postgres import fresh_postgres, postgres

__all__ = ["fresh_postgres", "postgres"]
