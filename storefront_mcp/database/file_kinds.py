"""Detection of what a file is that is not our database, by its first bytes; for error messages."""

from pathlib import Path
from typing import Final

SQLITE_MAGIC: Final = b"SQLite format 3\0"
FILE_MAGIC: Final = (
    (SQLITE_MAGIC, "a SQLite database that is damaged, or of which only a part is there"),
    (b"PGDMP", "a backup that pg_dump made"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\xfd7zXZ\0", "compressed with xz"),
    (b"BZh", "compressed with bzip2"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x37\x7f\x06\x82", "the write-ahead log of a SQLite database, not the database itself"),
    (b"\x37\x7f\x06\x83", "the write-ahead log of a SQLite database, not the database itself"),
)
SNIFFED_BYTES: Final = 512
MAX_QUOTED_CHARS: Final = 40


def file_kind(path: Path) -> str | None:
    """What a file is, to follow "it is"; None when it is missing or unreadable."""
    try:
        if path.is_dir():
            return "a folder"
        if not path.is_file():
            return "no plain file" if path.exists() else None
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(SNIFFED_BYTES)
    except OSError:
        return None
    for magic, kind in FILE_MAGIC:
        if start.startswith(magic):
            return kind
    text = _text(start)
    if text is not None:
        return f"a text of {size} bytes that begins with {text!r}"
    return f"{size} bytes that begin with {start[:8].hex(' ')}"


def _text(start: bytes) -> str | None:
    """The first words of a text file; None for a binary one."""
    try:
        # The last character may be cut.
        text = start[:-3].decode() if len(start) == SNIFFED_BYTES else start.decode()
    except UnicodeDecodeError:
        return None
    words = " ".join(text.split())[:MAX_QUOTED_CHARS]
    return words if words.isprintable() and words else None
