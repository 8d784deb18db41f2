"""`connect` as a person types it: what it prints, what it writes, and how it says no."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from storefront_mcp.cards.clients import CLIENTS, ClientProfile, client_snippet, find_client
from storefront_mcp.cli import main
from storefront_mcp.cli.client_files import this_system

URL = "https://pickle.example/mcp"
STORE = """
[[store]]
id = "{name}"
origin = "https://{name}.example"
name = "{name} & Söhne"
currency = "AUD"
[store.upstream]
kind = "demo"
"""
Run = Callable[..., Result]

every_client = pytest.mark.parametrize("client", CLIENTS, ids=[client.id for client in CLIENTS])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory, so that nobody's own files are touched."""
    for variable in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "APPDATA", "STOREFRONT_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> Run:
    """Run the command line in an empty directory."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ("connect", *arguments))

    return run


def said(result: Result) -> str:
    """The message of a command that said no."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output


def usual(client: ClientProfile, home: Path) -> Path:
    """The client's file in that home."""
    return home / client.files[this_system()].removeprefix("~/")


@every_client
def test_it_prints_what_to_paste_and_writes_nothing(run: Run, home: Path, client: ClientProfile) -> None:
    result = run(client.id, "--url", URL, "--name", "pickle")

    assert result.exit_code == 0, result.output
    assert result.stdout == client_snippet(client, "pickle", URL) + "\n"
    assert str(usual(client, home)) in result.stderr
    parsed = tomllib.loads(result.stdout) if client.format == "toml" else json.loads(result.stdout)
    assert parsed == {client.section: {"pickle": client.entry(URL)}}
    assert not home.exists()


@every_client
def test_it_writes_into_the_clients_own_file_once(run: Run, home: Path, client: ClientProfile) -> None:
    first = run(client.id, "--url", URL, "--name", "pickle", "--write")
    path = usual(client, home)
    text = path.read_text()
    again = run(client.id, "--url", URL, "--name", "pickle", "--write")

    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert f"Wrote {path} with pickle in it." in first.output
    assert f"Restart {client.name}" in first.output
    assert "nothing was changed" in again.output
    assert "Restart" not in again.output
    assert path.read_text() == text
    assert URL in text


def test_another_file_is_named_and_the_backup_is_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"mcpServers": {"notes": {"command": "notes"}}}')
    added = run("cursor", "--url", URL, "--write", "--file", str(path))
    replaced = run("cursor", "--url", "https://pickle.example/other", "--write", "--file", str(path))

    assert f"Added pickle-example to {path}." in added.output
    assert "As it was before: " in added.output
    assert "Replaced what" in replaced.output
    assert json.loads(path.read_text())["mcpServers"] == {
        "notes": {"command": "notes"},
        "pickle-example": {"url": "https://pickle.example/other"},
    }
    backups = [json.loads(path.read_text())["mcpServers"] for path in tmp_path.glob("mine.json.*.bak")]
    assert len(backups) == 2
    assert {"notes": {"command": "notes"}} in backups


def test_a_broken_file_is_left_and_the_way_by_hand_is_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("model = \n")
    output = said(run("codex", "--url", URL, "--write", "--file", str(path)))

    assert "cannot be read" in output
    assert "left as it is" in output
    assert f"storefront-mcp connect codex --url {URL}" in output
    assert path.read_text() == "model = \n"


@pytest.mark.parametrize(("alias", "client"), [("claude", "claude-desktop"), ("claudeCode", "claude-code")])
def test_other_spellings_are_understood(run: Run, alias: str, client: str) -> None:
    assert run(alias, "--url", URL).stdout == run(client, "--url", URL).stdout


def test_a_client_that_nobody_knows_is_told_which_are_known(run: Run) -> None:
    output = said(run("netscape", "--url", URL))
    assert all(client.id in output for client in CLIENTS)


def test_without_a_url_the_store_of_this_directory_is_meant(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.toml").write_text(STORE.format(name="pickle"))
    cursor = find_client("cursor")
    assert cursor is not None

    assert run("cursor").stdout == client_snippet(cursor, "pickle-sohne", URL) + "\n"


def test_without_a_url_and_without_a_store_it_says_how_to_get_on(run: Run) -> None:
    assert "storefront-mcp init" in said(run("cursor"))


def test_of_several_stores_one_has_to_be_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.toml").write_text(STORE.format(name="pickle") + STORE.format(name="paddle"))
    assert "add --store pickle or --store paddle" in said(run("cursor"))


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "http://127.0.0.1:8000/"])
def test_an_origin_alone_means_its_endpoint(run: Run, origin: str) -> None:
    (server,) = json.loads(run("cursor", "--url", origin).stdout)["mcpServers"].items()
    assert server == ("127-0-0-1", {"url": "http://127.0.0.1:8000/mcp"})


@pytest.mark.parametrize(
    "url",
    ["pickle.example", "ftp://pickle.example", "https://", "http://a:b/", "http://a b/", "http://[/", "http://é/"],
)
def test_what_is_no_address_is_refused(run: Run, url: str) -> None:
    assert "is not an http or https URL" in said(run("cursor", "--url", url))


@pytest.mark.parametrize("name", ["", "a b", "a.b", "x" * 65, "é", 'a"]'])
def test_a_name_that_some_client_would_refuse_is_refused(run: Run, name: str) -> None:
    assert "cannot be a name" in said(run("codex", "--url", URL, "--name", name))


def test_claude_desktop_is_told_when_the_way_is_not_encrypted(run: Run) -> None:
    entry = json.loads(run("claude-desktop", "--url", "http://shop.test/mcp").stdout)["mcpServers"]["shop-test"]
    local = json.loads(run("claude-desktop", "--url", "http://127.0.0.1:8000/mcp").stdout)["mcpServers"]["127-0-0-1"]

    assert entry == {"command": "npx", "args": ["-y", "mcp-remote", "http://shop.test/mcp", "--allow-http"]}
    assert "--allow-http" not in local["args"]
