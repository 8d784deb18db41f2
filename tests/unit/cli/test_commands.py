"""What each command answers, and how it says no."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from storefront_mcp.cli import main
from storefront_mcp.cli.demo_folder import MARK
from storefront_mcp.cli.settings_file import settings_template
from storefront_mcp.settings.schema import SOFTWARE_KINDS

pytestmark = pytest.mark.slow

DEMO = """
[[store]]
id = "{name}"
origin = "https://{name}.example"
name = "{name}"
currency = "AUD"
[store.upstream]
kind = "demo"
"""
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STOREFRONT_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return run


@pytest.fixture
def pickle(run: Run, tmp_path: Path) -> None:
    """A directory with one store."""
    (tmp_path / "storefront.toml").write_text(DEMO.format(name="pickle"))


def said(result: Result) -> str:
    """The message of a command that said no."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output


def test_version(run: Run) -> None:
    assert run("--version").output.startswith("storefront-mcp, version ")


LOADED_UNTIL = """
import sys

class Finder:
    def find_spec(self, name, path, target=None):
        if name == "click":
            raise {error}

sys.meta_path.insert(0, Finder())
import storefront_mcp.cli
"""


@pytest.mark.parametrize(
    ("error", "code", "said"), [("KeyboardInterrupt", -signal.SIGINT, ""), ("OSError", 1, "OSError")]
)
def test_an_interrupt_while_the_program_is_loaded_shows_no_traceback(error: str, code: int, said: str) -> None:
    program = [sys.executable, "-c", LOADED_UNTIL.format(error=error)]
    done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=60)

    assert done.returncode == code
    assert done.stderr.strip().rpartition("\n")[2] == said
    assert ("Traceback" in done.stderr) == bool(said)


def test_init_writes_a_file_once(run: Run, tmp_path: Path) -> None:
    assert run("init").exit_code == 0
    assert (tmp_path / "storefront.toml").read_text() == settings_template()
    (tmp_path / "storefront.toml").write_text("mine")
    assert "exists already and was left as it is" in said(run("init"))
    assert (tmp_path / "storefront.toml").read_text() == "mine"
    assert run("init", "other.toml").exit_code == 0
    assert "cannot be written" in said(run("init", "nowhere/storefront.toml"))


def test_init_writes_the_settings_of_each_kind_of_shop(run: Run) -> None:
    for kind in SOFTWARE_KINDS:
        written = run("init", "--kind", kind, "-")
        assert written.exit_code == 0
        assert f'\nkind = "{kind}"\n' in written.stdout
        assert written.stdout.count("[store.upstream]\n") == written.stdout.count("# [store.upstream.timeouts]\n") == 1
    assert "is not one of" in said(run("init", "--kind", "magic", "-"))


def test_init_writes_the_entry_of_a_store_for_the_registry_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.toml").write_text(settings_template())
    written = run("init", "--registry")
    entry = json.loads((tmp_path / "server.json").read_text())

    assert written.exit_code == 0, written.output
    assert "mcp-publisher publish" in written.output
    assert entry["name"].endswith("/storefront")
    assert [remote["type"] for remote in entry["remotes"]] == ["streamable-http", "sse"]
    assert "exists already and was left as it is" in said(run("init", "--registry"))
    assert json.loads(run("init", "--registry", "-").stdout) == entry
    assert "--config and --store go with --registry" in said(run("init", "--store", "pickle"))


def test_a_store_that_nobody_can_reach_over_https_has_no_entry(run: Run, tmp_path: Path) -> None:
    template = settings_template().replace("https://pickle.example", "http://127.0.0.1:8000")
    (tmp_path / "storefront.toml").write_text(template)
    assert "Set store.origin to its public address" in said(run("init", "--registry"))
    assert not (tmp_path / "server.json").exists()


@pytest.mark.parametrize("command", [("phases",), ("serve",), ("phases", "open", "p1_browse"), ("phases", "history")])
def test_without_settings_a_command_says_how_to_get_them(run: Run, command: tuple[str, ...]) -> None:
    assert "storefront-mcp init" in said(run(*command))


def test_a_demo_is_not_served_by_serve(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".storefront-demo").mkdir()
    (tmp_path / ".storefront-demo" / "demo.toml").write_text(f"{MARK}port = 8000\n")
    assert run("phases").exit_code == 0
    assert "storefront-mcp init" in said(run("serve"))


def test_broken_settings_are_told_and_nothing_starts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.toml").write_text("prot = 1\n" + DEMO.format(name="pickle"))
    assert "prot: there is no such setting; did you mean port?" in said(run("serve"))


@pytest.mark.usefixtures("pickle")
def test_phases_open_close_and_are_remembered(run: Run) -> None:
    opened = run("phases", "open", "p1_browse", "p2_cart", "--by", "ops")
    assert opened.exit_code == 0, opened.output
    assert "Flip 1 of pickle is on record" in opened.output
    assert "p2_cart: planned → active" in opened.output
    assert "search_products" in opened.output
    assert "add_to_cart" in opened.output

    paused = run("phases", "pause", "p1_browse", "p2_cart", "--by", "nights")
    assert "Tools now listed (0)" in paused.output
    assert run("phases", "retire", "p2_cart", "--by", "nights").exit_code == 0

    (store,) = json.loads(run("phases", "--json").stdout)["stores"]
    assert (store["id"], store["version"]) == ("pickle", 3)
    assert {phase["name"]: phase["status"] for phase in store["phases"]}["p2_cart"] == "retired"
    flips = json.loads(run("phases", "history", "--json").stdout)["flips"]
    assert [(flip["number"], flip["phase"], flip["after"], flip["by"]) for flip in flips] == [
        (1, "p1_browse", "active", "ops"),
        (1, "p2_cart", "active", "ops"),
        (2, "p1_browse", "paused", "nights"),
        (2, "p2_cart", "paused", "nights"),
        (3, "p2_cart", "retired", "nights"),
    ]
    for table in (run("phases"), run("phases", "history")):
        assert table.exit_code == 0
        assert "retired" in table.output


@pytest.mark.usefixtures("pickle")
def test_a_refused_flip_tells_every_reason(run: Run) -> None:
    output = said(run("phases", "open", "p2_cart", "p9_nope"))
    assert "Nothing was changed:" in output
    assert "p9_nope: there is no such phase" in output
    assert "p2_cart: requires p1_browse" in output
    assert json.loads(run("phases", "history", "--json").stdout) == {"flips": []}


@pytest.mark.usefixtures("pickle")
def test_who_flips_is_read_from_the_login(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "carla")
    run("phases", "open", "p1_browse")
    assert json.loads(run("phases", "history", "--json").stdout)["flips"][0]["by"] == "carla"


def test_with_several_stores_one_has_to_be_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.toml").write_text(DEMO.format(name="pickle") + DEMO.format(name="paddle"))
    assert "add --store pickle or --store paddle" in said(run("phases", "open", "p1_browse"))
    assert "There is no store nope" in said(run("phases", "open", "p1_browse", "--store", "nope"))
    assert run("phases", "open", "p1_browse", "--store", "paddle").exit_code == 0
    assert [s["version"] for s in json.loads(run("phases", "--json").stdout)["stores"]] == [0, 1]
    assert len(json.loads(run("phases", "history", "--store", "pickle", "--json").stdout)["flips"]) == 0


@pytest.mark.usefixtures("pickle")
def test_a_database_that_cannot_be_used_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.db").write_bytes(b"This is a letter and no database." * 40)
    assert "storefront.db: cannot be used as the database" in said(run("phases"))


def test_settings_can_be_named_by_option_and_by_variable(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "else" / "shop.toml"
    path.parent.mkdir()
    path.write_text(DEMO.format(name="pickle"))
    assert run("phases", "--config", str(path)).exit_code == 0
    assert run("phases", "open", "p1_browse", "--config", str(path)).exit_code == 0
    monkeypatch.setenv("STOREFRONT_CONFIG", str(path))
    assert run("phases", "history").exit_code == 0
    assert (path.parent / "storefront.db").exists()


def test_a_broken_word_of_a_demo_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".storefront-demo").mkdir()
    (tmp_path / ".storefront-demo" / "demo.toml").write_text(f"{MARK}prot = 1\n")
    assert "Start the demo again" in said(run("phases"))
