"""What is raised when the database cannot be used."""


class DatabaseUnusable(Exception):
    """The message names the database, without its password, and says what to do."""
