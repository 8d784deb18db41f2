"""`storefront-mcp alerts`: whether anybody would be told, and what is wrong now."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from storefront_mcp.cli import main
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.alerts import SqlAlertRepository
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.database.workers import SqlWorkerRepository
from storefront_mcp.records.alerts import AlertKey
from tests.serving import served
from tests.unit.alerts.receiver import KEY, receiving
from tests.unit.cli.test_audit import TOML

SECRET = base64.b64encode(KEY).decode()


def run(home: Path, *words: str, settings: str = "") -> Result:
    (home / "storefront.toml").write_text(settings + TOML, encoding="utf-8")
    return CliRunner().invoke(main, ["alerts", *words, "--config", str(home / "storefront.toml")])


def test_a_test_says_what_came_back_from_each_receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREFRONT_ALERTS__SECRET", SECRET)
    with receiving() as (receiver, url):
        settings = f'[alerts]\nurl = "{url}"\n'
        taken = run(tmp_path, "test", settings=settings)
        receiver.answers = [503]
        refused = run(tmp_path, "test", settings=settings)
    assert (taken.exit_code, taken.stdout) == (0, "webhook: taken (HTTP 204)\n")
    assert (refused.exit_code, refused.stdout) == (1, "webhook: not taken: HTTP 503\n")
    assert receiver.told == [("alert.test", "checkouts", "pickle")]
    assert "nothing is wrong" in receiver.taken[0]["text"]
    config = tmp_path / "storefront.toml"
    assert receiver.taken[0]["data"]["command"] == f"storefront-mcp checkouts --state needs_human --config {config}"


def test_one_receiver_that_is_away_keeps_no_other_from_its_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOREFRONT_ALERTS__SECRET", SECRET)
    with receiving() as (_, url):
        smtp = '[smtp]\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\nsender = "a@pickle.example"\n'
        done = run(tmp_path, "test", settings=f'{smtp}[alerts]\nurl = "{url}"\nmail_to = ["ops@pickle.example"]\n')
    assert done.exit_code == 1
    assert done.stdout.startswith("webhook: taken (HTTP 204)\nmail: not taken: ")
    assert "ops@" not in done.stdout


def test_with_nobody_to_tell_a_test_says_what_to_set(tmp_path: Path) -> None:
    done = run(tmp_path, "test")
    assert done.exit_code == 2
    assert "Nobody is told: set alerts.url and its secret, or alerts.mail_to" in done.stderr


WATCHED = "[metrics]\non = true\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store whose database a server has made."""
    with closing(Database(tmp_path / "storefront.db")) as database:
        DatabaseReadiness(database)
    return tmp_path


@contextmanager
def running(home: Path) -> Iterator[Database]:
    """A worker on record, whom nobody can ask: this process."""
    with closing(Database(home / "storefront.db")) as database:
        worker = SqlWorkerRepository(database)
        worker.write({})
        yield database
        worker.remove()


@contextmanager
def answering(home: Path, reason: str = "ok", *, identity: str = "") -> Iterator[str]:
    """A server that says this of the store's database."""
    with closing(Database(home / "storefront.db")) as database:
        told = identity or DatabaseReadiness(database).identity
    report = json.dumps({"status": "unready", "checks": {"database": reason}, "database": told}).encode()

    async def ready(scope: dict[str, str], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": report})

    with served(ready, int(os.environ["STOREFRONT_PORT"]), interface="asgi3") as address:
        yield address


def test_the_list_names_what_is_wrong_now(home: Path) -> None:
    with running(home) as database:
        seen = {AlertKey("audit", StoreId("")): "entry 5 was changed", AlertKey("shop", StoreId("pickle")): "silence"}
        SqlAlertRepository(database).observe(seen, now=1_795_000_000.0, channels=())
        assert run(home, "list").stdout.splitlines() == [
            "2026-11-18 11:06 UTC server: The audit is broken: entry 5 was changed",
            "2026-11-18 11:06 UTC pickle: The shop is down: silence (nobody is told yet)",
        ]
    left = run(home, "list")
    assert (left.exit_code, len(left.stdout.splitlines())) == (2, 2)
    assert "This was so when a server last looked: no running server was found" in left.stderr


def test_that_nothing_is_wrong_is_said_only_where_a_server_looks(home: Path) -> None:
    alone = run(home, "list", settings=WATCHED)
    assert (alone.exit_code, alone.stdout) == (2, "")
    assert "Whether anything is wrong cannot be told: no running server was found" in alone.stderr
    with running(home):
        unwatched = run(home, "list")
        assert (unwatched.exit_code, unwatched.stdout) == (2, "")
        assert "Nothing is watched with the settings of" in unwatched.stderr
        watched = run(home, "list", settings=WATCHED)
        assert (watched.exit_code, watched.stdout) == (0, "Nothing that is watched is wrong.\n")


@pytest.mark.slow
@pytest.mark.parametrize(("reason", "code"), [("is full", 0), ("was deleted since the start", 2)])
def test_a_database_that_takes_no_writes_is_named_as_the_running_server_says(
    home: Path, reason: str, code: int
) -> None:
    with answering(home, reason) as address:
        if code:
            (home / "storefront.db").unlink()
        told = run(home, "list", settings=WATCHED)
    assert told.stdout == f"now server: The database takes no writes: it {reason}, as {address} says\n"
    assert told.exit_code == code, told.stderr
    assert ("storefront.db is not there" in told.stderr) == bool(code)


@pytest.mark.slow
def test_a_record_that_is_not_that_of_the_running_server_says_nothing_of_it(home: Path) -> None:
    with answering(home, identity="another") as address:
        other = run(home, "list", settings=WATCHED)
    assert (other.exit_code, other.stdout) == (2, "")
    assert f"says nothing of the server at {address}, which uses another one." in other.stderr
    with answering(home, "was replaced since the start") as address:
        replaced = run(home, "list", settings=WATCHED)
    assert replaced.exit_code == 2
    assert f"the server at {address}, whose database was replaced since the start." in replaced.stderr


def test_a_list_makes_no_database(tmp_path: Path) -> None:
    missing = run(tmp_path, "list")
    assert missing.exit_code == 2
    assert "storefront.db is not there, so there is nothing to tell yet" in missing.stderr
    assert not (tmp_path / "storefront.db").exists()
