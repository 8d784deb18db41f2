"""Errors of the database."""


class DatabaseUnusable(Exception):
    """The database cannot be used; the message names it, without its password, and says what to do."""
