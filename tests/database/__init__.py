"""The one SQLite file and what is kept in it."""
