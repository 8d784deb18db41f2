"""The database for commands that only look, and whose answer is a statement about it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from storefront_mcp.cli.errors import CommandFailed, friendly_errors
from storefront_mcp.cli.settings_file import LoadedSettings
from storefront_mcp.database import Database
from storefront_mcp.settings.program import command_line


@contextmanager
def open_to_read(here: LoadedSettings) -> Iterator[Database]:
    """The database, read-only. Raises CommandFailed where it cannot be used, or is not there."""
    if not here.has_database:
        raise CommandFailed(no_database_message(here))
    with friendly_errors(), closing(Database(here.settings.database, read_only=True)) as database:
        yield database


def no_database_message(here: LoadedSettings) -> str:
    """What is said where the settings name a database that is not there."""
    start = ("demo", "--state", here.path.parent) if here.is_demo else ("serve", "--config", here.path)
    return (
        f"{here.settings.database.shown} is not there, so there is nothing to tell yet: the first start makes it "
        f"({command_line(*start)}). If this store was served before, its database was moved or deleted, or is "
        f"another one: see `database` in {here.path}, and STOREFRONT_DATABASE of the server."
    )
