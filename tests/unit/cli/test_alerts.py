"""`storefront-mcp alerts`: whether anybody would be told, and what is wrong now."""

import base64
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from storefront_mcp.cli import main
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.alerts import SqlAlertRepository
from storefront_mcp.records.alerts import AlertKey
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


def test_the_list_names_what_is_wrong_now_and_makes_no_database(tmp_path: Path) -> None:
    assert run(tmp_path, "list").stdout == "Nothing that is watched is wrong.\n"
    assert not (tmp_path / "storefront.db").exists()
    with closing(Database(tmp_path / "storefront.db")) as database:
        repository = SqlAlertRepository(database)
        seen = {AlertKey("audit", StoreId("")): "entry 5 was changed", AlertKey("shop", StoreId("pickle")): "silence"}
        repository.observe(seen, now=1_795_000_000.0, channels=())
    assert run(tmp_path, "list").stdout.splitlines() == [
        "2026-11-18 11:06 UTC server: The audit is broken: entry 5 was changed",
        "2026-11-18 11:06 UTC pickle: The shop is down: silence (nobody is told yet)",
    ]
