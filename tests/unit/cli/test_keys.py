"""`keys` on the machine itself: access to the file is all it takes."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.cli import main
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.identity.api_key_format import mint_key, public_id

pytestmark = pytest.mark.slow

STORE = """
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
    """Run the command line in a directory with one store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STOREFRONT_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "250")
    (tmp_path / "storefront.toml").write_text(STORE.format(name="pickle"))
    return lambda *arguments, **options: CliRunner().invoke(main, ("keys", *arguments), **options)


@pytest.fixture
def two_stores(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.toml").write_text(STORE.format(name="pickle") + STORE.format(name="jar"))


def minted(run: Run, *arguments: str) -> str:
    result = run("mint", "--label", "till", "--scope", "read:orders", "--by", "ada", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def said(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output


def test_a_key_is_shown_once_and_alone_where_a_pipe_takes_it(run: Run, tmp_path: Path) -> None:
    result = run("mint", "--label", "till", "--scope", "read-only", "--days", "30")
    assert result.exit_code == 0
    text = result.stdout.strip()
    assert "may: read:sites, read:content, read:customers, read:orders, read:media, read:analytics" in result.stderr
    assert text not in result.stderr
    database = Database(tmp_path / "storefront.db")
    found = SqlApiKeyRepository(database).find(public_id(text))
    database.close()
    assert found is not None
    assert found.digest == secret_digest(text)
    assert (found.key.expires_at - found.key.created_at).days == 30
    assert text not in run("list").stdout + run("list", "--json").stdout


def test_programs_get_the_key_as_json(run: Run) -> None:
    shown = json.loads(minted(run, "--json"))
    assert public_id(shown["token"]) == shown["id"]
    assert (shown["label"], shown["scopes"], shown["created_by"]) == ("till", ["read:orders"], "ada")


def test_what_cannot_be_granted_is_explained(run: Run) -> None:
    assert "There is no scope read:order; there are" in said(run("mint", "--label", "x", "--scope", "read:order"))
    assert "1 to 100 characters" in said(run("mint", "--label", " ", "--scope", "merchant"))
    assert run("mint", "--label", "x").exit_code == 2
    assert run("mint", "--label", "x", "--scope", "merchant", "--days", "0").exit_code == 2
    assert "storefront.db is not there" in said(run("list")), "none of these has made one"


def test_a_list_says_where_every_key_stands(run: Run) -> None:
    first, second = minted(run), minted(run)
    assert run("revoke", public_id(first)).stdout == f"{public_id(first)} (till) is revoked.\n"
    standing = {key["id"]: key["standing"] for key in json.loads(run("list", "--json").stdout)["keys"]}
    assert standing == {public_id(first): "revoked", public_id(second): "valid"}
    table = run("list").stdout
    assert all(word in table for word in (public_id(first), "revoked", "valid", "never", "till", "ada", "read:orders"))


def test_labels_are_text_and_no_markup(run: Run) -> None:
    run("mint", "--label", "[red]till[/red]", "--scope", "merchant")
    assert "[red]till[/red]" in run("list").stdout


def test_what_cannot_be_seen_is_in_no_label_and_shown_of_no_old_one(run: Run, tmp_path: Path) -> None:
    assert "all of which can be seen" in said(run("mint", "--label", "till\x1b[31m", "--scope", "merchant"))
    new = mint_key(store=StoreId("pickle"), label="old", scopes=frozenset(), by="a\u202e\nda", now=utc_now())
    with closing(Database(tmp_path / "storefront.db")) as database:
        SqlApiKeyRepository(database).add(replace(new.key, label="till\n\x1b[31m9999"), new.digest)

    (row,) = [line for line in run("list").stdout.splitlines() if new.key.id in line]
    assert "till [31m9999" in row
    assert "a da" in row
    assert f"{new.key.id} (till [31m9999) is revoked." in run("revoke", new.key.id).stdout


def test_a_key_that_is_not_there_is_named_and_the_others_are_revoked(run: Run) -> None:
    text = minted(run)
    output = said(run("revoke", "nobody", public_id(text)))
    assert "There is no key nobody." in output
    assert json.loads(run("list", "--json").stdout)["keys"][0]["standing"] == "revoked"


def test_rotating_voids_every_key_and_asks_first(run: Run) -> None:
    minted(run), minted(run)
    assert run("rotate", input="n\n").exit_code == 1
    assert {key["standing"] for key in json.loads(run("list", "--json").stdout)["keys"]} == {"valid"}
    assert "epoch 1" in run("rotate", input="y\n").stdout
    assert {key["standing"] for key in json.loads(run("list", "--json").stdout)["keys"]} == {"rotated"}
    minted(run)
    assert "epoch 2" in run("rotate", "--yes").stdout


def test_with_several_stores_one_must_be_named(run: Run, two_stores: None) -> None:
    assert "There are several stores" in said(run("mint", "--label", "x", "--scope", "merchant"))
    assert "There are several stores" in said(run("rotate", "--yes"))
    text = minted(run, "--store", "jar")
    assert "There is no key" in said(run("revoke", public_id(text), "--store", "pickle"))
    assert json.loads(run("list", "--json", "--store", "pickle").stdout) == {"keys": []}
    assert len(json.loads(run("list", "--json").stdout)["keys"]) == 1


def test_a_database_that_cannot_be_used_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.db").write_text("this is no database, but it is long enough to be looked at" * 10)
    assert "cannot be used as the database" in said(run("list"))


def test_a_store_that_is_not_there_is_named(run: Run) -> None:
    assert "There is no store jar; storefront.toml has pickle." in said(run("list", "--store", "jar"))


def test_where_nobody_has_a_name_the_number_is_written_down(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nameless)
    shown = json.loads(run("mint", "--label", "x", "--scope", "merchant", "--json").stdout)
    assert shown["created_by"].startswith("uid ")
