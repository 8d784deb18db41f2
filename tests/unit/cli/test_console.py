"""`console`: a link that opens once, and everybody out."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from storefront_mcp.cli import main
from storefront_mcp.database import Database
from storefront_mcp.database.audit import AuditLog

SETTINGS = """
[[store]]
id = "pickle"
origin = "https://pickle.example"
name = "Pickle Warehouse"
currency = "AUD"
[store.upstream]
kind = "demo"
[store.console]
"""


def run(folder: Path, more: str, *words: str) -> tuple[int, str, str]:
    path = folder / "storefront.toml"
    path.write_text(SETTINGS + more, encoding="utf-8")
    done = CliRunner().invoke(main, ["console", "--config", str(path), *words])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ("", "https://pickle.example/operator"),
        ('path = "/back/office"', "https://pickle.example/back/office"),
        ('host = "Operator.pickle.example:8443"', "https://operator.pickle.example:8443/operator"),
    ],
)
def test_a_link_is_printed_alone_and_what_to_know_beside_it(tmp_path: Path, more: str, where: str) -> None:
    code, out, err = run(tmp_path, more, "--by", "ada", "--minutes", "3")
    assert code == 0, err
    assert re.fullmatch(re.escape(where) + r"/sign-in\?once=[\w-]{43}\n", out)
    assert "once, as ada, within 3 minutes" in err


def test_everybody_is_shown_out(tmp_path: Path) -> None:
    run(tmp_path, "", "--by", "ada")
    code, out, _ = run(tmp_path, "", "--by", "ada", "--end")
    assert (code, out) == (0, "1 seat or link of pickle is void, on every worker, now.\n")
    database = Database(tmp_path / "storefront.db")
    acts = [(one.entry.subject, one.entry.who.id) for one in AuditLog(database).read()]
    database.close()
    assert acts == [("console.invited", "ada"), ("console.cleared", "ada")]


def test_there_is_no_link_where_there_is_no_console(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "on = false")
    assert code == 2
    assert "has no console" in err


@pytest.mark.parametrize("path", ["/mcp", "/pay/x", "/oauth", "/account/x", "operator", "/operator/", "/Op", "/"])
def test_a_path_that_belongs_to_others_is_refused(tmp_path: Path, path: str) -> None:
    code, _, err = run(tmp_path, f'path = "{path}"')
    assert code == 2
    assert "store[0].console.path: wants a path of its own" in err


def test_a_host_of_another_store_is_refused(tmp_path: Path) -> None:
    other = SETTINGS.replace("pickle", "paddle") + 'host = "pickle.example"'
    code, _, err = run(tmp_path, other)
    assert code == 2
    assert "console.host: pickle.example is store[0]'s already" in err
