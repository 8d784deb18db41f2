"""PostgreSQL for the workers that are given it."""

from tests.postgres import fresh_postgres, postgres

__all__ = ["fresh_postgres", "postgres"]
