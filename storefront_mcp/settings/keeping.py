"""The settings of what is kept: where, and for how long what is personal."""

import base64
import binascii
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Self, cast
from urllib.parse import quote

from msgspec import Meta, Struct

from storefront_mcp.calls.credentials import Secret
from storefront_mcp.settings.limiting import Days
from storefront_mcp.settings.problems import Problem

SERVERS: Final = ("postgresql://", "postgres://")
LOGIN: Final = re.compile(r"(?:\w+://(?:([^:/]*)(?::([^@]*))?@)?)?")
"""As SQLAlchemy reads it, so that no password slips through."""

KEY_BYTES: Final = 32


class Location(str):
    """Where the database is: a path, or a server's URL, whose password no repr shows."""

    __slots__ = ()

    def __new__(cls, text: object) -> Self:
        """Raises TypeError for what is no text, or none at all."""
        if not isinstance(text, str | Path) or not str(text):
            raise TypeError
        return super().__new__(cls, text)

    def __repr__(self) -> str:
        return "Location(…)" if self.server else f"Location({str(self)!r})"

    @property
    def server(self) -> bool:
        """Whether it is a URL."""
        return self.startswith(SERVERS)

    @property
    def user(self) -> str:
        """Of a URL; empty where it names nobody."""
        return self._login[1] or ""

    @property
    def has_password(self) -> bool:
        """Whether a password stands in the URL."""
        return bool(self._login[2])

    def at(self, folder: Path, password: Secret | None) -> "Location":
        """A path becomes absolute, and a URL gets its password."""
        if not self.server:
            return Location(folder / self)
        if password is None:
            return self
        scheme = self.partition("://")[0]
        return Location(f"{scheme}://{self.user}:{quote(password.reveal(), safe='')}@{self[self._login.end() :]}")

    @property
    def _login(self) -> re.Match[str]:
        return cast("re.Match[str]", LOGIN.match(self))


Database = Annotated[Location, Meta(description='a path, or a URL such as "postgresql://shop@db.example/storefront"')]


class PersonalSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What happens to buyers' names, addresses and e-mails."""

    key: tuple[Annotated[Secret, Meta(description="a key of 32 bytes in base64")], ...] = ()
    """They are encrypted with the first, and read with any."""
    keep_days: Days = 30
    """Counted from a checkout's end."""


def keeping_problems(
    table: Any,  # noqa: ANN401 -- the file's own table
    database: Location,
    password: Secret | None,
    personal: PersonalSettings,
) -> Iterable[Problem]:
    """What no type can tell: a password that stands in the file, half a URL, keys that are none."""
    if not database.server and "://" in database:
        yield Problem("database", f"wants a path or a postgresql:// URL; got {database.partition('://')[0]}://….")
    # What comes from a variable is no plain text here.
    if database.server and database.has_password and isinstance(table.get("database"), str):
        yield Problem(
            "database",
            "holds a password, which has no place here; set STOREFRONT_DATABASE_PASSWORD, or database_password_file to "
            "a path.",
        )
    if password is not None and (not database.user or database.has_password):
        yield Problem("database_password", "wants a database that is a URL with a user and without a password.")
    for number, key in enumerate(personal.key, 1):
        if not _is_key(key.reveal()):
            made = f"`openssl rand -base64 {KEY_BYTES}`"
            yield Problem("personal_data.key", f"wants keys as {made} makes them; number {number} is something else.")


def _is_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False
