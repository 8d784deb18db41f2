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


@pytest.mark.parametrize(
    ("replacement", "said"),
    [(None, "uses another database than {}, which is not there."), ("kept.db", "{} was replaced since process")],
)
def test_a_pause_after_the_file_was_deleted_or_replaced_is_refused(
    run: Run, server: str, tmp_path: Path, replacement: str | None, said: str
) -> None:
    assert server
    run("phases", "open", "p1_browse")
    file = tmp_path / "storefront.db"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(tmp_path / "kept.db")) as target:
        source.backup(target)
    file.unlink()
    if replacement is not None:
        shutil.copy(tmp_path / replacement, file)

    refused = run("phases", "pause", "p1_browse")

    assert refused.exit_code == 2, refused.output
    assert "Nothing was changed: " in refused.output
    assert said.format(file) in refused.output
    if replacement is not None:
        assert "Flip 1 " not in refused.output
        assert json.loads(run("phases", "history", "--json").stdout)["flips"][-1]["after"] == "active"


def test_without_a_server_an_opened_phase_says_so_and_a_pause_fails(run: Run) -> None:
    opened = run("phases", "open", "p1_browse")
    assert opened.exit_code == 0, opened.output
    assert "No running server was found" in opened.output
    paused = run("phases", "pause", "p1_browse")
    assert paused.exit_code == running_server.NotConfirmed.exit_code, paused.output
    assert "Flip 2 of pickle is on record" in paused.output
    assert "No running server was found" in paused.output


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
