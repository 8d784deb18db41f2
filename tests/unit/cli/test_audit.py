"""`storefront-mcp audit`: reading, exporting and verifying the record."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete

from storefront_mcp.cli import audit as audit_commands, main
from storefront_mcp.database import Database
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.engine import utc_now
from storefront_mcp.database.tables.audit import AUDIT
from storefront_mcp.records.audit import AuditActor, audit_timestamp
from tests.unit.records.entries import entry

pytestmark = pytest.mark.slow

TOML = """
[[store]]
id = "pickle"
origin = "http://127.0.0.1:8000"
name = "Pickle Warehouse"
currency = "AUD"
[store.upstream]
kind = "demo"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "storefront.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    database = Database(home / "storefront.db")
    yield database
    database.close()


@pytest.fixture
def log(database: Database) -> AuditLog:
    log = AuditLog(database)
    log.write([entry(1, milliseconds=2.5), entry(2, store="brine"), entry(3, at=audit_timestamp(utc_now()))])
    return log


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["audit", *words, "--config", str(home / "storefront.toml")])


def test_the_newest_entries_are_shown_one_line_each(home: Path, log: AuditLog) -> None:
    lines = run(home, "tail", "-n", "3").stdout.splitlines()
    assert lines[0] == "1 2027-02-01T09:00:01.000+00:00 pickle guest tool.called add_to_cart ok 2.5 ms"
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]
    assert run(home, "tail", "-n", "1").stdout.startswith("3 ")
    assert [line.split()[0] for line in run(home, "tail", "--store", "pickle").stdout.splitlines()] == ["1", "3"]


def test_an_entry_is_one_line_whatever_its_actor_is_called(home: Path, log: AuditLog) -> None:
    forged = "till\n9999 2027-02-01T09:00:00.000+00:00 pickle operator:root phase.flipped p3_checkout ok \x1b[31m"
    log.write([entry(4, who=AuditActor(kind="operator", id=forged))])

    (line,) = run(home, "tail", "-n", "1").stdout.splitlines()
    assert line.startswith("4 ")
    assert line.isprintable()


def test_older_outcomes_are_shown_as_codes_and_exported_as_written(home: Path, log: AuditLog) -> None:
    log.write([entry(4, outcome="CartNotFound")])

    assert run(home, "tail", "-n", "1").output.rstrip().endswith("add_to_cart cart_not_found")
    assert json.loads(run(home, "export").output.splitlines()[-1])["outcome"] == "CartNotFound"
    assert run(home, "verify").exit_code == 0


@pytest.mark.parametrize("before", [0, 2])
def test_tail_goes_on_with_what_comes(
    home: Path, database: Database, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    log = AuditLog(database)
    log.write([entry(number) for number in range(before)])
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) > 1:
            raise KeyboardInterrupt
        log.write([entry(9)])

    monkeypatch.setattr(audit_commands.time, "sleep", nap)
    ended = run(home, "tail", "--follow")
    # Ctrl-C is how it is meant to end.
    assert (ended.exit_code, ended.stderr.count("Aborted")) == (0, 0)
    lines = ended.stdout.splitlines()
    assert [line.split()[0] for line in lines if line and line[0].isdigit()] == [str(n + 1) for n in range(before + 1)]


def test_an_export_is_json_lines_that_hold_everything(home: Path, log: AuditLog) -> None:
    rows = [json.loads(line) for line in run(home, "export").stdout.splitlines()]
    assert [row["number"] for row in rows] == [1, 2, 3]
    assert rows[0]["source"] == "mcp"
    assert rows[2]["hash"] == log.verify().hash


@pytest.mark.parametrize("since", ["1h", "90m", "2d", "60s"])
def test_a_span_is_before_now(home: Path, log: AuditLog, since: str) -> None:
    now = utc_now()
    log.write([entry(at=audit_timestamp(now - dt.timedelta(days=3)))])
    numbers = [json.loads(line)["number"] for line in run(home, "export", "--since", since).stdout.splitlines()]
    assert 3 in numbers
    assert 4 not in numbers


@pytest.mark.parametrize("since", ["2027-02-01T09:00:02+00:00", "2027-02-01T09:00:02", "2027-02-01T19:00:02+10:00"])
def test_a_time_is_utc_unless_it_says_otherwise(home: Path, log: AuditLog, since: str) -> None:
    numbers = [json.loads(line)["number"] for line in run(home, "export", "--since", since).stdout.splitlines()]
    assert 2 in numbers
    assert 1 not in numbers


def test_what_is_no_time_is_refused(home: Path) -> None:
    refused = run(home, "export", "--since", "yesterday")
    assert refused.exit_code == 2
    assert "no date, no time and no span such as 90m, 24h or 7d" in " ".join(refused.output.split())


def test_a_store_that_is_not_there_is_named(home: Path) -> None:
    refused = run(home, "tail", "--store", "brine")
    assert refused.exit_code == 2
    assert "There is no store brine" in refused.output


def test_a_whole_chain_is_told_with_its_end_which_can_be_asked_for_later(home: Path, log: AuditLog) -> None:
    told = run(home, "verify")
    assert told.exit_code == 0
    noted = told.stdout.split()[-1]
    assert noted == f"3:{log.verify().hash}"
    log.write([entry(4)])
    assert run(home, "verify", "--holds", noted).exit_code == 0
    other = run(home, "verify", "--holds", "2:" + "0" * 64)
    assert (other.exit_code, "entry 2 is not the one that was noted" in other.output) == (1, True)


def test_what_is_no_noted_entry_is_refused(home: Path) -> None:
    assert run(home, "verify", "--holds", "3").exit_code == 2


def test_a_broken_chain_ends_with_1_and_the_places(home: Path, database: Database, log: AuditLog) -> None:
    with database.writing() as connection:
        connection.execute(delete(AUDIT).where(AUDIT.c.number == 2))
    told = run(home, "verify")
    assert told.exit_code == 1
    assert "entries 2 to 2 are gone" in told.output


def test_an_entry_that_was_dropped_can_no_longer_be_compared(home: Path, log: AuditLog) -> None:
    first = next(iter(log.read()))
    log.prune(dt.datetime(2027, 2, 1, 9, 0, 2, tzinfo=dt.UTC))
    told = run(home, "verify", "--holds", f"1:{first.hash}")
    assert told.exit_code == 1
    assert "was dropped in time" in told.output
