"""`checkouts` on the machine itself: what is open, what needs a person, and how a person ends it."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from msgspec.structs import replace

from storefront_mcp.checkout.record import Checkout, Personal
from storefront_mcp.cli import main
from storefront_mcp.commerce.cart import Line, Totals
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import CartId, LineId, Sku, StoreId
from storefront_mcp.commerce.order import Order
from storefront_mcp.database import Database, DatabaseCheckouts, PersonalSeal
from tests.checkout.world import DRAFT

STORE = """
[[store]]
id = "{name}"
origin = "https://{name}.example"
name = "{name}"
currency = "AUD"
[store.upstream]
kind = "demo"
"""
NOW = 1_795_000_000.0
PERSONAL = Personal(draft=DRAFT, order=Order(number="100000001", token="order-token"))
SECRETS = ("ada@example.com", "Lovelace", "Brine", "order-token", "secret-1")
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in a directory with one store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STOREFRONT_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "250")
    (tmp_path / "storefront.toml").write_text(STORE.format(name="pickle"))
    return lambda *arguments: CliRunner().invoke(main, ("checkouts", *arguments))


@pytest.fixture
def two_stores(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.toml").write_text(STORE.format(name="pickle") + STORE.format(name="jar"))


def checkout(id_: str, **changes: Any) -> Checkout:
    total = Money(5500, "AUD")
    line = Line(line_id=LineId("1"), sku=Sku("DILL"), name="Dill", quantity=2, price=Money(2750, "AUD"), total=total)
    made = Checkout(
        id=id_,
        store=StoreId("pickle"),
        cart=f"cart of {id_}",
        upstream=CartId("secret-1"),
        pay_key=f"pay {id_}",
        request="wish",
        created_at=NOW,
        since=NOW,
        expires_at=NOW + 1800,
        lines=(line,),
        totals=Totals(subtotal=total, total=total),
        settle_by="card",
        personal=PERSONAL,
    )
    return replace(made, **changes)


def stuck(id_: str = "chk_stuck", **changes: Any) -> Checkout:
    problem = "there is no order, but the money was taken: refund it at the provider"
    known = {"state": "needs_human", "payment": "pi_1", "session": "cs_1", "session_over": True, "problem": problem}
    return checkout(id_, **known | changes)


@contextmanager
def kept(seal: PersonalSeal | None = None) -> Iterator[DatabaseCheckouts]:
    """The record, as a running server has it open."""
    with closing(Database(Path("storefront.db"))) as database:
        yield DatabaseCheckouts(database, seal=seal)


def keep(*checkouts: Checkout, seal: PersonalSeal | None = None) -> None:
    with kept(seal) as records:
        for one in checkouts:
            asyncio.run(records.open(one))


def now(id_: str, *, store: str = "pickle", seal: PersonalSeal | None = None) -> Checkout:
    with kept(seal) as records:
        found = asyncio.run(records.find(StoreId(store), id_))
    assert found is not None
    return found


def listed(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [one["id"] for one in json.loads(result.output)["checkouts"]]


def said(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output


def test_where_nothing_was_ordered_there_is_nothing_to_show(run: Run) -> None:
    assert run().output == "Nothing is open. See --all.\n"
    assert run("--all").output == run("--state", "placed").output == "There are none.\n"
    assert listed(run("--json")) == []


def test_what_has_not_ended_is_shown_and_the_rest_on_request(run: Run) -> None:
    keep(
        checkout("chk_open"),
        checkout("chk_placed", state="placed", created_at=NOW + 1, order_number="100000001"),
        checkout("chk_failed", state="failed", created_at=NOW + 2, reason="The shop failed."),
        stuck(created_at=NOW + 3),
    )
    assert listed(run("--json")) == ["chk_stuck", "chk_open"]
    assert listed(run("--json", "--all")) == ["chk_stuck", "chk_failed", "chk_placed", "chk_open"]
    assert listed(run("--json", "--all", "--limit", "1")) == ["chk_stuck"]
    assert listed(run("--json", "--state", "placed", "--state", "open")) == ["chk_placed", "chk_open"]
    assert run("--state", "nonsense").exit_code == 2


def test_a_table_tells_people_what_to_do(run: Run) -> None:
    keep(checkout("chk_open"), stuck())
    shown = run()
    assert shown.exit_code == 0
    [row] = [line for line in shown.output.splitlines() if "│" in line and "chk_stuck" in line]
    assert ["needs_human" in row, "AUD 55.00" in row, "pi_1" in row, "pickle" in row, "2026-11-18" in row] == [True] * 5
    assert "chk_stuck: there is no order, but the money was taken: refund it at the provider" in shown.output
    assert "checkouts finish ID --as" in shown.output
    only_open = run("--state", "open").output
    assert "chk_open" in only_open
    assert "finish" not in only_open


def test_programs_get_amounts_as_numbers_and_nothing_personal(run: Run) -> None:
    keep(stuck(reason="A reason."))
    [shown] = json.loads(run("--json").output)["checkouts"]
    assert shown == {
        "id": "chk_stuck",
        "store": "pickle",
        "state": "needs_human",
        "created_at": NOW,
        "since": NOW,
        "total": {"minor": 5500, "currency": "AUD"},
        "order": None,
        "payment": "pi_1",
        "session": "cs_1",
        "reason": "A reason.",
        "problem": "there is no order, but the money was taken: refund it at the provider",
    }
    for output in (run().output, run("--json").output):
        assert not [secret for secret in SECRETS if secret in output]


@pytest.mark.usefixtures("two_stores")
def test_each_store_has_its_own_checkouts(run: Run) -> None:
    keep(stuck(), stuck("chk_jar", store=StoreId("jar")))
    assert sorted(listed(run("--json"))) == ["chk_jar", "chk_stuck"]
    assert listed(run("--json", "--store", "jar")) == ["chk_jar"]
    assert "There is no store tin" in said(run("--store", "tin"))
    assert "add --store pickle or --store jar" in said(run("finish", "chk_jar", "--as", "refunded"))
    assert run("finish", "chk_jar", "--as", "refunded", "--store", "jar").exit_code == 0
    assert run("--store", "pickle", "finish", "chk_stuck", "--as", "refunded").exit_code == 0
    assert (now("chk_jar", store="jar").state, now("chk_stuck").state) == ("failed", "failed")


@pytest.mark.parametrize(
    ("verdict", "state", "reason"),
    [
        ("ordered", "capturing", None),
        ("no_order", "releasing", "The order could not be made, and the payment was let go."),
        ("refunded", "failed", "The order could not be made, and the payment was given back."),
    ],
)
def test_a_person_ends_what_nobody_else_can(run: Run, verdict: str, state: str, reason: str | None) -> None:
    keep(stuck())
    finished = run("finish", "chk_stuck", "--as", verdict, "--order", "100000007", "--by", "nina")
    assert (finished.exit_code, finished.output) == (0, f"chk_stuck is {state} now.\n")
    after = now("chk_stuck")
    assert (after.state, after.reason) == (state, reason)
    assert after.problem is not None
    assert after.problem.endswith(f"(finished as {verdict} by nina)")
    assert after.order_number == ("100000007" if verdict == "ordered" else None)
    assert (after.due_at is None) == (state == "failed")
    assert after.lease_until == 0


def test_an_order_that_is_paid_outside_is_placed_at_once(run: Run) -> None:
    keep(stuck(settles="offline", payment=None))
    assert run("finish", "chk_stuck", "--as", "ordered").output == "chk_stuck is placed now.\n"


def test_who_does_it_is_the_login_name_where_nobody_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    keep(stuck())
    assert run("finish", "chk_stuck", "--as", "refunded").exit_code == 0
    assert (now("chk_stuck").problem or "").endswith("by ada)")


def test_only_what_needs_a_person_can_be_finished(run: Run) -> None:
    keep(checkout("chk_open"))
    assert "chk_open is open, so nobody has to finish it." in said(run("finish", "chk_open", "--as", "refunded"))
    assert "There is no checkout chk_nope in the store pickle." in said(run("finish", "chk_nope", "--as", "ordered"))
    assert run("finish", "chk_open").exit_code == 2
    assert run("finish", "chk_open", "--as", "whatever").exit_code == 2
    assert now("chk_open").state == "open"


def test_a_checkout_that_is_worked_on_is_left_alone(run: Run) -> None:
    keep(stuck(lease_until=32_503_680_000.0))
    assert "is being worked on at this moment" in said(run("finish", "chk_stuck", "--as", "refunded"))
    assert now("chk_stuck").state == "needs_human"


def test_sealed_personal_data_stays_sealed_and_whole(run: Run) -> None:
    """The command has no key, or does not use it: what it cannot read it must not lose."""
    seal = PersonalSeal([Fernet.generate_key().decode()])
    keep(stuck(), seal=seal)
    finished = run("finish", "chk_stuck", "--as", "ordered", "--order", "7", "--by", "nina")
    assert finished.output == "chk_stuck is capturing now.\n"
    assert now("chk_stuck", seal=seal).personal == PERSONAL
    assert not [secret for secret in SECRETS[:4] if secret.encode() in Path("storefront.db").read_bytes()]


def test_a_demo_elsewhere_can_be_named_before_or_after(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(stuck(), stuck("chk_other"))
    config = str(tmp_path / "storefront.toml")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "There is no storefront.toml here." in said(run())
    assert run("--config", config, "finish", "chk_stuck", "--as", "refunded").exit_code == 0
    assert run("finish", "chk_other", "--as", "refunded", "--config", config).exit_code == 0
