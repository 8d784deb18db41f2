"""What is done once for all is what would be done each time."""

import sqlite3
from contextlib import closing
from pathlib import Path

from storefront_mcp.database import Database


def facts(path: Path) -> tuple[object, ...]:
    """All that a database's file tells of itself."""
    Database(path).close()
    with closing(sqlite3.connect(path)) as database:
        pragmas = ("user_version", "journal_mode", "page_size", "encoding", "auto_vacuum", "application_id")
        told = [database.execute(f"PRAGMA {name}").fetchone() for name in pragmas]
        return told, [*database.iterdump()], path.stat().st_mode


def test_a_copied_database_is_as_one_whose_tables_were_created(tmp_path: Path) -> None:
    (created := tmp_path / "created.db").touch(mode=0o600)

    assert facts(tmp_path / "copied.db") == facts(created)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copied.db", "created.db"]
