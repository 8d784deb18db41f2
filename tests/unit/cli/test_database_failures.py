"""Each command, for every failure of the database: what it is, what to do, an exit code, and no traceback."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import certifi
import pytest
from click.testing import CliRunner, Result

from storefront_mcp.cli import main
from storefront_mcp.database import Database
from tests.conftest import fill_disk
from tests.postgres import PostgresServer, postgres
from tests.unit.cli.test_commands import DEMO

pytestmark = pytest.mark.slow

__all__ = ["postgres"]

NOBODY = 65_534

WRITING: Mapping[str, tuple[str, ...]] = {
    "phases open": ("phases", "open", "p1_browse"),
    "phases pause": ("phases", "pause", "p1_browse"),
    "phases retire": ("phases", "retire", "p4_account"),
    "keys mint": ("keys", "mint", "--label", "x", "--scope", "read:analytics"),
    "keys revoke": ("keys", "revoke", "abc"),
    "keys rotate": ("keys", "rotate", "--yes"),
    "console": ("console",),
    "console --end": ("console", "--end"),
    "checkouts finish": ("checkouts", "finish", "co_1", "--as", "no_order"),
}
READING: Mapping[str, tuple[str, ...]] = {
    "phases": ("phases",),
    "phases history": ("phases", "history"),
    "checkouts": ("checkouts",),
    "keys list": ("keys", "list"),
    "audit tail": ("audit", "tail"),
    "audit export": ("audit", "export"),
    "audit verify": ("audit", "verify"),
    "alerts list": ("alerts", "list"),
    "customers grants": ("customers", "grants"),
    "customers blocked": ("customers", "blocked"),
}


@contextmanager
def locked(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


@contextmanager
def as_nobody() -> Iterator[None]:
    """What is done meanwhile is done without root's rights."""
    if os.getuid() == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)


@contextmanager
def read_only(file: Path) -> Iterator[None]:
    file.chmod(0o444)
    file.parent.chmod(0o555)
    with as_nobody():
        yield
    file.parent.chmod(0o755)


@contextmanager
def of_another_owner(file: Path) -> Iterator[None]:
    file.chmod(0o600 if os.getuid() == 0 else 0)
    with as_nobody():
        yield
    file.chmod(0o600)


@contextmanager
def folder_gone(file: Path) -> Iterator[None]:
    shutil.move(file.parent, file.parent.with_name("away"))
    yield
    shutil.move(file.parent.with_name("away"), file.parent)


@contextmanager
def corrupt(file: Path) -> Iterator[None]:
    content = file.read_bytes()
    # The first page is that of the schema.
    file.write_bytes(content[:100] + bytes(3996) + content[4096:])
    yield


@contextmanager
def no_database(file: Path) -> Iterator[None]:
    file.write_bytes(b"a letter to a friend " * 100)
    yield


@contextmanager
def newer(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    yield


FAILURES: Mapping[str, tuple[Callable[[Path], object], str, bool]] = {
    "full": (nullcontext, "is full|disk I/O error|No space left", False),
    "locked": (locked, "database is locked. Nothing was written. End the process that holds it|no checkout co_1", True),
    "read-only": (read_only, "Permission denied|readonly database", True),
    "wrong owner": (of_another_owner, "Permission denied|unable to open database file", False),
    "gone": (folder_gone, "there is no folder", True),
    "corrupt": (corrupt, "malformed|file is not a database|damaged", False),
    "another file": (no_database, "it is a text of 2100 bytes", False),
    "newer": (newer, "was written by a newer storefront-mcp", False),
}
"""By name: how it is brought about, what the message has, and whether commands that only read go on."""


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A database that a store has used, on a disk of its own for the disk that is full."""
    # Not pytest's folder: only its owner may enter that.
    home = Path(tempfile.mkdtemp(prefix="storefront-failures-"))
    home.chmod(0o755)
    failure = request.node.callspec.params.get("failure")
    folder: Path = request.getfixturevalue("full_disk")() if failure == "full" else home / "state"
    folder.mkdir(exist_ok=True)
    (home / "storefront.toml").write_text(f'database = "{folder}/storefront.db"\n' + DEMO.format(name="pickle"))
    monkeypatch.chdir(home)
    monkeypatch.delenv("STOREFRONT_CONFIG", raising=False)
    # The environment may be in a home that nobody else may enter, and with it what httpx reads.
    authorities = str(shutil.copy(certifi.where(), home / "authorities.pem"))
    monkeypatch.setattr("certifi.where", lambda: authorities)
    monkeypatch.setattr("storefront_mcp.database.sqlite.BUSY_TIMEOUT_SECONDS", 0.05)
    Database(folder / "storefront.db").close()
    yield folder / "storefront.db"
    shutil.rmtree(home)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def spared_of_tracebacks(result: Result) -> None:
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output


@pytest.mark.parametrize("failure", FAILURES)
def test_every_command_says_what_is_wrong_with_the_database(failure: str, file: Path) -> None:
    bring_about, wanted, readable = FAILURES[failure]
    for command in (*WRITING.values(), *READING.values()):
        run(*command)
    # A pause that is repeated writes nothing.
    run(*WRITING["phases open"])
    if failure == "full":
        # A process of its own each: what a file system that is full does to mapped memory is nothing for this one.
        filler = fill_disk(file.parent)
        for name in ("phases pause", "keys mint", "console", "checkouts finish", "phases retire"):
            program = [sys.executable, "-m", "storefront_mcp.cli", *WRITING[name]]
            done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=300)
            assert done.returncode == 2, (name, done.stdout, done.stderr)
            assert any(part in done.stderr for part in wanted.split("|")), (name, done.stderr)
            assert "Traceback" not in done.stderr
        filler.unlink()
        return
    with bring_about(file):  # type: ignore[attr-defined]
        for name, command in WRITING.items():
            result = run(*command)
            spared_of_tracebacks(result)
            assert result.exit_code == 2, (name, result.output)
            assert any(part in result.output for part in wanted.split("|")), (name, result.output)
            assert str(file) in result.output.replace("\n", "")
        for name, command in READING.items():
            result = run(*command)
            spared_of_tracebacks(result)
            assert result.exit_code in {0, 2}, (name, result.output)
            if not readable and result.exit_code:
                assert any(part in result.output for part in wanted.split("|")), (name, result.output)
        result = run("doctor", "--config", "storefront.toml")
        spared_of_tracebacks(result)
        assert result.exit_code == 1, result.output


@pytest.mark.parametrize("name", [name for name in READING if not name.startswith("phases")])
def test_nothing_is_told_of_a_database_that_is_not_there(name: str, file: Path) -> None:
    file.unlink()
    result = run(*READING[name])
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert f"{file} is not there, so there is nothing to tell yet: the first start makes it" in result.stderr
    assert "serve --config storefront.toml" in result.stderr
    assert not file.exists()
    assert run("phases").exit_code == 0


@pytest.mark.slow
def test_every_command_says_that_the_postgresql_server_is_gone(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STOREFRONT_DATABASE", postgres.url().replace("host=", "host=/nonexistent"))
    (tmp_path / "storefront.toml").write_text(DEMO.format(name="pickle"))
    for name, command in (WRITING | READING).items():
        result = run(*command)
        spared_of_tracebacks(result)
        assert result.exit_code == 2, (name, result.output)
        assert "Check that the server runs, the address, the user, and the network between." in result.output, name
    assert run("doctor", "--config", "storefront.toml").exit_code == 1
