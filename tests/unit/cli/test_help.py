"""What the command line says to whoever mistypes, misses or does not know something."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from rich.table import Table

from storefront_mcp.cli import main, tables

STORE = """
[[store]]
id = "{name}"
origin = "https://{name}.test"
name = "{name}"
currency = "AUD"
upstream = {{ kind = "demo" }}
"""
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in a folder with two stores."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STOREFRONT_CONFIG", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "storefront.toml").write_text(STORE.format(name="pickle") + STORE.format(name="jar"))
    return lambda *arguments, **options: CliRunner().invoke(main, arguments, **options)


def groups(group: click.Group = main, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Group]]:
    """Every group of commands, from the tree itself."""
    yield above, group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from groups(command, (*above, name))


@pytest.mark.parametrize(("path", "group"), list(groups()), ids=[" ".join(path) or "main" for path, _ in groups()])
def test_every_summary_is_whole(run: Run, path: tuple[str, ...], group: click.Group) -> None:
    shown = " ".join(run(*path, "--help").output.split())
    assert "..." not in shown.partition("Commands:")[2]
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        assert command.get_short_help_str(1_000) in shown


@pytest.mark.parametrize(("path", "group"), list(groups()), ids=[" ".join(path) or "main" for path, _ in groups()])
def test_whoever_mistypes_a_command_is_told_which_was_meant(
    run: Run, path: tuple[str, ...], group: click.Group
) -> None:
    for name in group.list_commands(click.Context(group)):
        for typed in (name[:-1] + "x", name[0] + name[2] + name[1] + name[3:], name + "s"):
            if group.get_command(click.Context(group), typed) is None:
                said = run(*path, typed)
                assert said.exit_code == 2
                assert f"There is no command '{typed}'. Did you mean" in said.output
                assert name in said.output.partition("Did you mean")[2]


@pytest.mark.parametrize(
    ("typed", "meant"), [("mint", "keys mint"), ("history", "phases history"), ("verfy", "audit verify")]
)
def test_a_command_of_a_group_is_found_without_it(run: Run, typed: str, meant: str) -> None:
    assert f"Did you mean {meant}?" in run(typed).output


def test_what_is_like_nothing_is_answered_with_what_there_is(run: Run) -> None:
    assert "There is no command 'xyzzy'. There are export, tail, verify." in run("audit", "xyzzy").output


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("phases --stroe pickle", "--store"),
        ("keys mint --lable x", "--label"),
        ("serve --prot 1", "--port"),
        ("connect cursor --nmae x", "--name"),
    ],
)
def test_whoever_mistypes_an_option_is_told_which_was_meant(run: Run, line: str, meant: str) -> None:
    said = run(*line.split())
    assert said.exit_code == 2
    assert meant in said.output.partition("id you mean")[2], said.output


def test_mistyped_stores_and_clients_are_told(run: Run) -> None:
    assert "has pickle, jar. Did you mean pickle?" in run("phases", "--store", "pikcle").output
    assert "did you mean cursor?" in run("connect", "curser").output


# Tables --------------------------------------------------------------------------------------------------------------


def table() -> Table:
    made = Table("id", "label", title="keys")
    made.add_row("AjFsoEAhuej-and-more", "for the till at the far end of the shop")
    made.add_row("Bt4ntuWMpQk", "[green]valid[/]")
    return made


@pytest.mark.parametrize("width", [20, 40, 60, 200])
@pytest.mark.parametrize("terminal", [True, False])
def test_no_cell_of_a_table_is_cut(
    width: int, terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def console(**options: int) -> Console:
        return Console(**{"width": width, "force_terminal": terminal, "no_color": True, "highlight": False, **options})  # type: ignore[arg-type]

    monkeypatch.setattr(tables, "Console", console)
    tables.print_table(table())
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)

    for cell in ("AjFsoEAhuej-and-more", "for the till at the far end of the shop", "Bt4ntuWMpQk", "valid"):
        assert cell in shown
    assert "…" not in shown
    assert "keys" in shown


def test_ids_are_whole_in_a_narrow_list(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("keys", "mint", "--store", "jar", "--label", "for the till at the back", "--scope", "merchant", "--by", "ada")
    (key,) = json.loads(run("keys", "list", "--json").stdout)["keys"]
    monkeypatch.setenv("COLUMNS", "40")
    listed = run("keys", "list").stdout

    assert key["id"] in listed
    assert all(scope in listed for scope in key["scopes"])
    assert "…" not in listed


# Who does it, and for which store ------------------------------------------------------------------------------------


def test_who_revokes_and_rotates_is_on_record(run: Run) -> None:
    run("keys", "mint", "--store", "jar", "--label", "till", "--scope", "merchant")
    (key,) = json.loads(run("keys", "list", "--json").stdout)["keys"]
    assert run("keys", "revoke", key["id"], "--store", "jar", "--by", "nights").exit_code == 0
    assert run("keys", "rotate", "--yes", "--store", "jar", "--by", "days").exit_code == 0

    lines = [json.loads(line) for line in run("audit", "export").stdout.splitlines()]
    assert [(line["what"], line["who"]["id"]) for line in lines[-2:]] == [
        ("key.revoked", "nights"),
        ("keys.rotated", "days"),
    ]


def test_a_client_is_connected_to_the_store_that_is_named(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "shop.toml"
    other.parent.mkdir()
    other.write_text(STORE.format(name="brine") + STORE.format(name="dill"))

    assert '"https://jar.test/mcp"' in run("connect", "cursor", "--store", "jar").stdout
    assert '"https://dill.test/mcp"' in run("connect", "cursor", "--config", str(other), "--store", "dill").stdout
    assert "add --store pickle or --store jar" in run("connect", "cursor").output
    twice = run("connect", "cursor", "--url", "https://x.test", "--store", "jar")
    assert (twice.exit_code, "give one or the other" in twice.output) == (2, True)


def test_a_variable_for_the_settings_is_no_contradiction_to_an_url(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREFRONT_CONFIG", "storefront.toml")
    assert '"https://x.test/mcp"' in run("connect", "cursor", "--url", "https://x.test").stdout
