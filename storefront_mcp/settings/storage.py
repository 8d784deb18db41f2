"""Settings of the database and of personal data."""

import base64
import binascii
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Self, cast
from urllib.parse import quote

from msgspec import Meta, Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.settings.limits import Days
from storefront_mcp.settings.problems import SettingProblem

SERVER_SCHEMES: Final = ("postgresql://", "postgres://")
LOGIN_PATTERN: Final = re.compile(r"(?:\w+://(?:([^:/]*)(?::([^@]*))?@)?)?")
"""User and password of a URL, as SQLAlchemy parses them."""

KEY_BYTES: Final = 32


class DatabaseLocation(str):
    """A path, or the URL of a server; `repr` hides the password."""

    __slots__ = ()

    def __new__(cls, text: object) -> Self:
        """Raises TypeError for anything but a text or path that is not empty."""
        if not isinstance(text, str | Path) or not str(text):
            raise TypeError
        return super().__new__(cls, text)

    def __repr__(self) -> str:
        return "DatabaseLocation(…)" if self.server else f"DatabaseLocation({str(self)!r})"

    @property
    def server(self) -> bool:
        """Whether it is a URL of a server."""
        return self.startswith(SERVER_SCHEMES)

    @property
    def shown(self) -> str:
        """For people: a path, or a URL without password and query."""
        if not self.server:
            return str(self)
        scheme = self.partition("://")[0]
        user = f"{self.user}@" if self.user else ""
        return f"{scheme}://{user}{self[self._login.end() :].partition('?')[0]}"

    @property
    def user(self) -> str:
        """User of a URL; empty without one."""
        return self._login[1] or ""

    @property
    def has_password(self) -> bool:
        """Whether the URL has a password."""
        return bool(self._login[2])

    def at(self, folder: Path, password: Secret | None) -> "DatabaseLocation":
        """A path made absolute, or a URL with the password."""
        if not self.server:
            return DatabaseLocation(folder / self)
        if password is None:
            return self
        scheme = self.partition("://")[0]
        return DatabaseLocation(
            f"{scheme}://{self.user}:{quote(password.reveal(), safe='')}@{self[self._login.end() :]}"
        )

    @property
    def _login(self) -> re.Match[str]:
        return cast("re.Match[str]", LOGIN_PATTERN.match(self))


DatabaseSetting = Annotated[
    DatabaseLocation, Meta(description='a path, or a URL such as "postgresql://shop@db.example/storefront"')
]


class PrivacySettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[personal_data]`: buyers' names, addresses and e-mail addresses."""

    key: tuple[Annotated[Secret, Meta(description="a key of 32 bytes in base64")], ...] = ()
    """Encrypted with the first, decrypted with any."""
    keep_days: Days = 30
    """After a checkout's end."""


def storage_problems(
    table: Any,  # noqa: ANN401 -- the file's own table
    database: DatabaseLocation,
    password: Secret | None,
    personal: PrivacySettings,
) -> Iterable[SettingProblem]:
    """Problems that no type can tell: a password in the file, an incomplete URL, invalid keys."""
    if not database.server and "://" in database:
        yield SettingProblem(
            "database", f"wants a path or a postgresql:// URL; got {database.partition('://')[0]}://…."
        )
    # A value from a variable is a FromEnvironment here.
    if database.server and database.has_password and isinstance(table.get("database"), str):
        yield SettingProblem(
            "database",
            "holds a password, which has no place here; set STOREFRONT_DATABASE_PASSWORD, or database_password_file to "
            "a path.",
        )
    if password is not None and (not database.user or database.has_password):
        yield SettingProblem("database_password", "wants a database that is a URL with a user and without a password.")
    for number, key in enumerate(personal.key, 1):
        if not _is_key(key.reveal()):
            made = f"`openssl rand -base64 {KEY_BYTES}`"
            yield SettingProblem(
                "personal_data.key", f"wants keys as {made} makes them; number {number} is something else."
            )


def _is_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False
