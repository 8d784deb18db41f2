"""A command that changes what a running server does makes sure that the server saw it, or fails."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from storefront_mcp.app import create_app
from storefront_mcp.cli import main, running_server
from storefront_mcp.database import Database
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.database.workers import SqlWorkerRepository
from storefront_mcp.settings import Settings
from tests.serving import free_port, served
from tests.unit.cli.test_commands import DEMO

pytestmark = pytest.mark.slow

Run = Callable[..., Result]


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    chosen = free_port()
    monkeypatch.setenv("STOREFRONT_PORT", str(chosen))
    return chosen


@pytest.fixture
def run(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in a directory with one store."""
    assert port
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STOREFRONT_CONFIG", raising=False)
    (tmp_path / "storefront.toml").write_text(DEMO.format(name="pickle"))
    return lambda *arguments: CliRunner().invoke(main, arguments)


@pytest.fixture
def server(run: Run, tmp_path: Path, port: int) -> Iterator[str]:
    """The store's server, in this process."""
    assert run
    settings = Settings.load(tmp_path / "storefront.toml", {"STOREFRONT_PORT": str(port)})
    with served(create_app(settings), port) as address:
        yield address


@pytest.mark.usefixtures("server")
def test_a_flip_ends_once_every_worker_shows_it(run: Run) -> None:
    for number, word in enumerate(("open", "pause"), 1):
        done = run("phases", word, "p1_browse")
        assert done.exit_code == 0, done.output
        assert f"Every running worker shows flip {number} now, 1 of 1: process" in done.output


def test_a_pause_that_reaches_another_database_is_refused_and_makes_none(
    run: Run, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("phases", "open", "p1_browse")
    monkeypatch.setenv("STOREFRONT_DATABASE", str(tmp_path / "other.db"))
    commands = [
        ("phases", "pause", "p1_browse"),
        ("keys", "mint", "--label", "x", "--scope", "read:analytics"),
        ("keys", "rotate", "--yes"),
        ("console", "--end"),
        ("checkouts", "finish", "co_1", "--as", "no_order"),
    ]
    for there in (False, True):
        for command in commands:
            refused = run(*command)
            assert refused.exit_code == 2, refused.output
            assert f"Nothing was changed: the server at {server} uses another database than" in refused.output
        assert (tmp_path / "other.db").exists() is there
        with closing(Database(tmp_path / "other.db")) as other:
            DatabaseReadiness(other)


CHANGING = [
    ("phases", "open", "p2_cart"),
    ("phases", "pause", "p1_browse"),
    ("phases", "pause", "p1_browse", "--at", "2099-02-01T09:00:00+10:00"),
    ("phases", "retire", "p1_browse"),
    ("phases", "unschedule", "sch_none"),
    ("stop", "everything"),
    ("resume",),
    ("keys", "mint", "--label", "x", "--scope", "read:analytics"),
    ("keys", "revoke", "KEY"),
    ("keys", "rotate", "--yes"),
    ("console",),
    ("console", "--end"),
    ("customers", "revoke", "--everyone"),
    ("customers", "block", "https://agent.example/client.json"),
    ("customers", "unblock", "https://agent.example/client.json"),
    ("checkouts", "finish", "co_1", "--as", "no_order"),
    ("checkouts", "close", "co_1"),
    ("checkouts", "close", "--all"),
    ("catalogue", "refresh"),
]
"""Every command that changes what a running server does."""


def replace_file(file: Path, replacement: Path | None) -> None:
    """Move a database away with all that belongs to it, and put another in its place."""
    away = file.parent / "away"
    away.mkdir()
    for one in file.parent.glob(f"{file.name}*"):
        one.rename(away / one.name)
    if replacement is not None:
        shutil.copy(replacement, file)


@pytest.mark.parametrize("restored", [False, True])
def test_nothing_is_changed_once_the_file_that_the_server_opened_is_gone(
    run: Run, tmp_path: Path, port: int, restored: bool
) -> None:
    file, backup = tmp_path / "storefront.db", tmp_path / "backup.db"
    run("phases", "open", "p1_browse")
    minted = run("keys", "mint", "--label", "x", "--scope", "read:analytics")
    assert minted.exit_code == 0, minted.output
    (key,) = json.loads(run("keys", "list", "--json").stdout)["keys"]
    settings = Settings.load(tmp_path / "storefront.toml", {"STOREFRONT_PORT": str(port)})
    # A backup from before the start has the identity of the database, and knows no worker.
    create_app(settings)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    with served(create_app(settings), port) as address:
        assert run("phases", "open", "p1_browse", "--share", "50").exit_code == 0
        replace_file(file, backup if restored else None)
        happened = "replaced" if restored else "deleted"
        for command in CHANGING:
            refused = run(*(key["id"] if word == "KEY" else word for word in command))
            assert refused.exit_code == 2, (command, refused.output)
            said = f"Nothing was changed: the server at {address} says that its database was {happened} since the start"
            assert said in refused.output, command
            assert file.exists() is restored
    assert not restored or file.read_bytes() == backup.read_bytes()


def test_a_worker_on_record_that_has_another_file_open_has_every_change_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "storefront.db"
    run("phases", "open", "p1_browse")
    with closing(Database(file)) as database:
        SqlWorkerRepository(database).write({})
    shutil.copy(file, tmp_path / "backup.db")
    replace_file(file, tmp_path / "backup.db")

    refused = run("phases", "pause", "p1_browse")

    assert refused.exit_code == 2, refused.output
    assert f"Nothing was changed: {file} was replaced since process" in refused.output
    assert json.loads(run("phases", "history", "--json").stdout)["flips"][-1]["after"] == "active"


def test_without_a_server_an_opened_phase_says_so_and_a_pause_fails(run: Run) -> None:
    opened = run("phases", "open", "p1_browse")
    assert opened.exit_code == 0, opened.output
    assert "No running server was found" in opened.output
    paused = run("phases", "pause", "p1_browse")
    assert paused.exit_code == running_server.NotConfirmed.exit_code, paused.output
    assert "Flip 2 of pickle is on record" in paused.output
    assert "No running server was found" in paused.output


def test_products_are_asked_anew_by_every_worker_only_where_one_runs(run: Run, request: pytest.FixtureRequest) -> None:
    run("phases", "open", "p1_browse")
    alone = run("catalogue", "refresh", "DILL")
    assert (alone.exit_code, alone.stdout) == (0, "It is on record that pickle is to be asked anew for DILL.\n")
    assert "No running server was found" in alone.stderr
    request.getfixturevalue("server")
    told = run("catalogue", "refresh")
    assert (told.exit_code, told.stdout) == (0, "Every worker asks pickle anew, within a second, for everything.\n")
    assert "No running server" not in told.stderr


def test_a_worker_that_does_not_show_a_flip_fails_the_command(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("phases", "open", "p1_browse")
    monkeypatch.setattr(running_server, "SHOWN_SECONDS", 0.0)
    with closing(Database(tmp_path / "storefront.db")) as database:
        worker = SqlWorkerRepository(database)
        worker.write({"pickle": 1})  # type: ignore[dict-item]
        failed = run("phases", "pause", "p1_browse")
        assert failed.exit_code == running_server.NotConfirmed.exit_code
        assert "it is NOT confirmed: 1 of 1 workers do not show it (process" in failed.output
        assert "shows flip 1). Restart the server, or stop it." in failed.output
        worker.write({})
        assert "does not serve pickle" in run("phases", "open", "p1_browse").output
        worker.remove()
    assert "No running server was found" in run("phases", "pause", "p1_browse").output


@pytest.mark.slow
def test_another_program_at_the_address_is_no_server_of_ours(run: Run, port: int) -> None:
    async def other(scope: dict[str, str], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"[" * 100_000})

    with served(other, port, interface="asgi3"):
        assert "No running server was found" in run("phases", "open", "p1_browse").output
