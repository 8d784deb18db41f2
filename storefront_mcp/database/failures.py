"""What a failure of the database means and what to do about it, by the messages and states that databases give."""

from typing import Final

from msgspec import Struct


class FailureKind(Struct, frozen=True, kw_only=True):
    """One kind of failure."""

    reason: str
    """Follows "the database"; safe to publish."""
    advice: str
    """What to do, as sentences."""
    texts: tuple[str, ...] = ()
    """Parts of the messages of SQLite and of the operating system."""
    states: tuple[str, ...] = ()
    """Beginnings of SQLSTATE codes (PostgreSQL, appendix A)."""


FULL: Final = FailureKind(
    reason="is full",
    advice="Nothing was written. Make room on its disk (df -h shows how full it is); no restart is needed.",
    texts=("database or disk is full", "No space left", "quota exceeded"),
    states=("53100",),
)
LOCKED: Final = FailureKind(
    reason="is locked",
    advice="Nothing was written. End the process that holds it, or try again once that is done.",
    texts=("is locked", "keep it busy"),
    states=("55P03", "57014", "40P01"),
)
READ_ONLY: Final = FailureKind(
    reason="is read-only",
    advice="Nothing was written. Let the user of the server write the file, its folder and its disk.",
    texts=("readonly database", "Read-only file system"),
    states=("25006",),
)
DAMAGED: Final = FailureKind(
    reason="is damaged",
    advice="Stop every process that uses it and restore a backup; keep the file as it is.",
    texts=("malformed", "file is not a database"),
    states=("XX001", "XX002"),
)
OTHER_TABLES: Final = FailureKind(
    reason="has other tables",
    advice="Another database may have taken its place. Put the right one back and restart the server.",
    texts=("no such table", "no such column"),
    states=("42P01", "42703"),
)
REFUSED: Final = FailureKind(
    reason="refuses us",
    advice="Check the path, its owner and its permissions, or the user and the password.",
    texts=(
        "Permission denied",
        "Operation not permitted",
        "unable to open database file",
        "authentication failed",
        "does not exist",
    ),
    states=("42501", "28", "3D000"),
)
DISK: Final = FailureKind(
    reason="cannot be read or written",
    advice="Check the disk: whether it is full (df -h), mounted, and without errors (dmesg).",
    texts=("disk I/O error",),
    states=("58",),
)
SILENT: Final = FailureKind(
    reason="does not answer",
    advice="Check that the server runs, the address, the user, and the network between.",
    states=("08", "57P", "53300"),
)
OTHER: Final = FailureKind(reason="cannot be used", advice="See the server's log.")
KINDS: Final = (FULL, LOCKED, READ_ONLY, DAMAGED, OTHER_TABLES, REFUSED, DISK, SILENT)


def failure_kind(cause: str, state: str | None = None) -> FailureKind | None:
    """The kind of a failure, by its message and its SQLSTATE; None for another."""
    for kind in KINDS:
        if (state is not None and state.startswith(kind.states)) or any(text in cause for text in kind.texts):
            return kind
    return None
