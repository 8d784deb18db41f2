"""Whatever is typed in the folder of a real store, nothing of it changes but what the command is there to change."""

import re
import shlex
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner, Result

from storefront_mcp.cli import main, serve
from storefront_mcp.cli.demo_folder import DEMO_FILE, MARK
from storefront_mcp.database import Database
from tests.serving import free_port

pytestmark = pytest.mark.slow

SETTINGS: Final = """
[[store]]
id = "pickle"
origin = "https://pickle.test"
name = "Pickle"
currency = "AUD"
upstream = { kind = "maho", url = "http://127.0.0.1:9" }
payments = { provider = "sandbox" }
"""
DATABASE: Final = frozenset({"storefront.db", "storefront.db-wal", "storefront.db-shm"})
NOTHING: Final[frozenset[str]] = frozenset()
KEY: Final = "KEY"
"""Stands for the id of a key that is there."""

PLACED: Final[dict[str, tuple[frozenset[str], tuple[str, ...]]]] = {
    "init": (
        frozenset({"new.toml", "server.json"}),
        (
            *("init", "init new.toml", "init -", "init .", "init storefront.db"),
            *("init --registry", "init --registry -", "init --registry storefront.db"),
        ),
    ),
    "serve": (DATABASE, ("serve --port 0",)),
    "demo": (
        frozenset(
            f".storefront-demo/{name}"
            for name in (DEMO_FILE, "demo.db", "demo.db-wal", "demo.db-shm", "demo-catalogue/pickle/place")
        ),
        ("demo --port 0", "demo --port 0 --planned", "demo --port 0 --state .", "demo --port 0 --state storefront.db"),
    ),
    "completion": (NOTHING, ("completion bash", "completion zsh", "completion fish")),
    "demo-shop": (NOTHING, ("demo-shop --port 0",)),
    "phases": (NOTHING, ("phases", "phases --json", "phases --config .")),
    "phases open": (DATABASE, ("phases open p1_browse", "phases open nothing")),
    "phases pause": (DATABASE, ("phases pause p1_browse",)),
    "phases retire": (DATABASE, ("phases retire p1_browse",)),
    "phases history": (NOTHING, ("phases history", "phases history --json")),
    "phases scheduled": (NOTHING, ("phases scheduled", "phases scheduled --json")),
    "phases unschedule": (DATABASE, ("phases unschedule sch_none",)),
    "stop": (DATABASE, ("stop everything", "stop --client badbot --reason circles")),
    "resume": (DATABASE, ("resume", "resume --client badbot")),
    "checkouts": (NOTHING, ("checkouts", "checkouts --all --json")),
    "checkouts finish": (DATABASE, ("checkouts finish chk_none --as no_order",)),
    "checkouts close": (DATABASE, ("checkouts close chk_none", "checkouts close --all")),
    "keys mint": (DATABASE, ("keys mint --label till --scope read:orders",)),
    "keys list": (NOTHING, ("keys list", "keys list --json")),
    "keys revoke": (DATABASE, (f"keys revoke {KEY} --by ada",)),
    "keys rotate": (DATABASE, ("keys rotate --yes --by ada",)),
    "customers grants": (NOTHING, ("customers grants", "customers grants --all --json")),
    "customers revoke": (DATABASE, ("customers revoke --everyone --by ada",)),
    "customers block": (DATABASE, ("customers block https://agent.example/client.json --by ada",)),
    "customers blocked": (NOTHING, ("customers blocked", "customers blocked --json")),
    "customers unblock": (DATABASE, ("customers unblock https://agent.example/client.json --by ada",)),
    "audit tail": (NOTHING, ("audit tail",)),
    "audit export": (NOTHING, ("audit export",)),
    "audit verify": (NOTHING, ("audit verify",)),
    "alerts list": (NOTHING, ("alerts list",)),
    "alerts test": (NOTHING, ("alerts test",)),
    "console": (DATABASE, ("console", "console --end")),
    "connect": (frozenset({"mcp.json"}), ("connect cursor", "connect cursor --write --file mcp.json")),
    "catalogue status": (NOTHING, ("catalogue status", "catalogue status --json")),
    "catalogue refresh": (DATABASE, ("catalogue refresh", "catalogue refresh DILL-PICKLE")),
    # The shop is not there, so there is nothing to write.
    "catalogue feed": (NOTHING, ("catalogue feed feed", "catalogue feed . --json")),
    # It has the database take one write.
    "doctor": (DATABASE, ("doctor --json", "doctor --cart", "doctor http://127.0.0.1:9")),
}
"""Every command: the files of the folder that it may write, and how it is tried. A new command belongs in here."""


def commands(group: click.Group = main, above: str = "") -> Iterator[str]:
    """Every command that can be run, from the tree itself."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        path = f"{above} {name}".strip()
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield path
        if isinstance(command, click.Group):
            yield from commands(command, path)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file and what is in it, but for SQLite's index of the write-ahead log, in which nothing lasts."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Result]:
    """Run a command line in the folder of a store whose server was killed. Servers end as soon as they would serve."""
    monkeypatch.delenv("STOREFRONT_CONFIG", raising=False)
    made = tmp_path / "made"
    made.mkdir()
    (made / "storefront.toml").write_text(SETTINGS)
    monkeypatch.chdir(made)
    runner = CliRunner()
    for line in ("phases open p1_browse", "keys mint --label till --scope read:orders"):
        assert runner.invoke(main, shlex.split(line)).exit_code == 0
    database = Database(made / "storefront.db")
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE api_keys SET label = 'only in the log'")
    store = tmp_path / "store"
    shutil.copytree(made, store)
    database.close()
    (store / "storefront.db-shm").unlink()
    assert (store / "storefront.db-wal").stat().st_size > 0
    for name in (
        "storefront.db.bak",
        "storefront.db-2026-11-28",
        "storefront.db.dump.gz",
        "demo.db",
        "notes.txt",
        "lock",
    ):
        (store / name).write_bytes(b"of the night before: " + name.encode())
    (store / "secrets").mkdir()
    (store / "secrets" / "stripe").write_text("sk_test_nothing")
    monkeypatch.chdir(store)
    monkeypatch.setattr(serve, "run_server", lambda _config, _listening, announce, *_check: announce())
    return lambda line: runner.invoke(main, shlex.split(line))


def test_every_command_has_its_place() -> None:
    assert set(commands()) == set(PLACED)


@pytest.mark.parametrize("line", [line for _, lines in PLACED.values() for line in lines])
def test_nothing_changes_that_the_command_does_not_announce(
    line: str, run: Callable[[str], Result], tmp_path: Path
) -> None:
    store = tmp_path / "store"
    may_write = next(files for files, lines in PLACED.values() if line in lines)
    with closing(sqlite3.connect(tmp_path / "made" / "storefront.db")) as made:
        ((key,),) = made.execute("SELECT id FROM api_keys").fetchall()
    before = contents(store)

    result = run(line.replace(KEY, key))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    after = contents(store)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed <= may_write, result.output
    if may_write & DATABASE:
        with closing(sqlite3.connect(store / "storefront.db")) as kept:
            ((label,),) = kept.execute("SELECT label FROM api_keys WHERE id = ?", (key,)).fetchall()
        assert label == "only in the log", "what was only in the log is still known"


@pytest.mark.parametrize(
    "line",
    [
        line
        for path, (_, lines) in PLACED.items()
        for line in lines
        if path not in {"init", "completion", "demo", "demo-shop", "connect"}
        and "nothing" not in line
        and "http" not in line
    ],
)
def test_every_command_says_which_settings_and_which_store_it_is_about(
    line: str, run: Callable[[str], Result], tmp_path: Path
) -> None:
    result = run(line)

    assert "Store pickle: settings " in result.stderr
    assert str(tmp_path / "store" / "storefront.toml") in result.stderr
    assert str(tmp_path / "store" / "storefront.db") in result.stderr
    assert "settings" not in result.stdout or "--json" in line or "doctor" in line


@pytest.mark.parametrize("state", [".", "../store", "secrets"])
def test_a_demo_moves_into_no_folder_that_it_did_not_make(
    state: str, run: Callable[[str], Result], tmp_path: Path
) -> None:
    before = contents(tmp_path)
    result = run(f"demo --port 0 --state {state}")

    assert result.exit_code == 2
    assert f"{state} is not a folder that a demo made, so nothing in it was touched." in result.output
    assert "demo --state PATH" in result.output
    assert contents(tmp_path) == before


def test_a_demo_starts_afresh_in_its_own_folder_and_leaves_what_somebody_put_there(
    run: Callable[[str], Result], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    assert run("demo --port 0 --state ../state").exit_code == 0
    (state / "demo.db").write_text("of the demo before")
    for name in ("storefront.db", "storefront.toml", "demo.db.bak", "lock"):
        (state / name).write_text("mine")

    assert run("demo --port 0 --state ../state --planned").exit_code == 0
    assert (state / "demo.db").read_bytes().startswith(b"SQLite format 3\0")
    assert {
        name: (state / name).read_text() for name in ("storefront.db", "storefront.toml", "demo.db.bak", "lock")
    } == {
        "storefront.db": "mine",
        "storefront.toml": "mine",
        "demo.db.bak": "mine",
        "lock": "mine",
    }
    both = run("phases --config ../state")
    assert both.exit_code == 2
    assert "name the file that is meant" in both.output


def test_a_folder_that_cannot_be_made_or_written_is_named(run: Callable[[str], Result], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    below = run("demo --port 0 --state ../file/below")
    assert (below.exit_code, "cannot be used: Not a directory" in below.output) == (2, True)
    (tmp_path / "marked").mkdir()
    (tmp_path / "marked" / DEMO_FILE).write_text(MARK)
    (tmp_path / "marked" / "demo.db").mkdir()
    marked = run("demo --port 0 --state ../marked")
    assert (marked.exit_code, "cannot be used: Is a directory" in marked.output) == (2, True)


@pytest.mark.parametrize("planned", ["", " --planned"])
def test_what_a_demo_says_to_paste_acts_on_the_demo(planned: str, run: Callable[[str], Result], tmp_path: Path) -> None:
    store = tmp_path / "store"
    started = run(f"demo --port {free_port()}{planned}")
    assert started.exit_code == 0, started.output
    (hint,) = re.findall(r"In another terminal, [a-z ]+: +storefront-mcp (.+)", started.output)
    before = contents(store)

    result = run(hint)
    assert result.exit_code == 0, result.output
    assert f"Store pickle of a demo: settings {store}/.storefront-demo/demo.toml" in result.stderr
    after = contents(store)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed <= {".storefront-demo/demo.db", ".storefront-demo/demo.db-wal"}
    assert bool(changed) == bool(planned), "to see the phases changes nothing"
