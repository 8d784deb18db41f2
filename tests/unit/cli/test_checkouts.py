"""`checkouts` on the machine itself: what is open, what needs a person, and how a person ends it."""

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from msgspec.structs import replace

from storefront_mcp.app import planned_roadmap
from storefront_mcp.checkout.record import Checkout, PersonalDetails
from storefront_mcp.cli import main
from storefront_mcp.cli.running_server import NotConfirmed
from storefront_mcp.cli.settings_file import load_settings
from storefront_mcp.commerce.cart import CartLine, CartTotals
from storefront_mcp.commerce.ids import CartId, LineId, Sku, StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order
from storefront_mcp.database import Database, FieldEncryption, SqlCheckoutRepository, SqlFlipRepository
from storefront_mcp.database.audit import AuditLog
from tests.unit.checkout.environment import DRAFT

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
NOW = 1_795_000_000.0
PERSONAL = PersonalDetails(draft=DRAFT, order=Order(number="100000001", token="order-token"))
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
    line = CartLine(
        line_id=LineId("1"), sku=Sku("DILL"), name="Dill", quantity=2, price=Money(2750, "AUD"), total=total
    )
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
        totals=CartTotals(subtotal=total, total=total),
        settle_by="card",
        personal=PERSONAL,
    )
    return replace(made, **changes)


def stuck(id_: str = "chk_stuck", **changes: Any) -> Checkout:
    problem = "there is no order, but AUD 55.00 was taken: refund it at the provider"
    known = {"state": "needs_human", "payment": "pi_1", "session": "cs_1", "session_over": True, "problem": problem}
    return checkout(id_, **known | changes)


@contextmanager
def kept(encryption: FieldEncryption | None = None) -> Iterator[SqlCheckoutRepository]:
    """The record, as a running server has it open."""
    with closing(Database(Path("storefront.db"))) as database:
        yield SqlCheckoutRepository(database, encryption=encryption)


def keep(*checkouts: Checkout, encryption: FieldEncryption | None = None) -> None:
    with kept(encryption) as records:
        for one in checkouts:
            asyncio.run(records.open(one))


def now(id_: str, *, store: str = "pickle", encryption: FieldEncryption | None = None) -> Checkout:
    with kept(encryption) as records:
        found = asyncio.run(records.find(StoreId(store), id_))
    assert found is not None
    return found


def listed(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [one["id"] for one in json.loads(result.stdout)["checkouts"]]


def said(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output


def test_where_nothing_was_ordered_there_is_nothing_to_show(run: Run) -> None:
    Database(Path("storefront.db")).close()
    assert run().stdout == "Nothing is open. See --all.\n"
    assert run("--all").stdout == run("--state", "placed").stdout == "There are none.\n"
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
    [row] = [line for line in shown.stdout.splitlines() if "│" in line and "chk_stuck" in line]
    assert ["needs_human" in row, "AUD 55.00" in row, "pi_1" in row, "pickle" in row, "2026-11-18" in row] == [True] * 5
    assert "chk_stuck: there is no order, but AUD 55.00 was taken: refund it at the provider" in shown.stdout
    assert "finish ID --as" in shown.stdout
    only_open = run("--state", "open").stdout
    assert "chk_open" in only_open
    assert "finish" not in only_open


def test_programs_get_amounts_as_numbers_and_nothing_personal(run: Run) -> None:
    keep(stuck(reason="A reason."))
    [shown] = json.loads(run("--json").stdout)["checkouts"]
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
        "problem": "there is no order, but AUD 55.00 was taken: refund it at the provider",
    }
    for output in (run().stdout, run("--json").stdout):
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
        ("no_order", "releasing", "The order could not be made."),
        ("refunded", "failed", "The order could not be made, and the payment was given back."),
    ],
)
def test_a_person_ends_what_nobody_else_can(run: Run, verdict: str, state: str, reason: str | None) -> None:
    keep(stuck())
    finished = run("finish", "chk_stuck", "--as", verdict, "--order", "100000007", "--by", "nina")
    assert (finished.exit_code, finished.stdout) == (0, f"chk_stuck is {state} now.\n")
    after = now("chk_stuck")
    assert (after.state, after.reason) == (state, reason)
    assert after.problem is not None
    assert after.problem.endswith(f"(finished as {verdict} by nina)")
    assert after.order_number == ("100000007" if verdict == "ordered" else None)
    assert (after.due_at is None) == (state == "failed")
    assert after.lease_until == 0


def test_an_order_that_is_paid_outside_is_placed_at_once(run: Run) -> None:
    keep(stuck(settles="offline", payment=None))
    assert run("finish", "chk_stuck", "--as", "ordered").stdout == "chk_stuck is placed now.\n"


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
    encryption = FieldEncryption([Fernet.generate_key().decode()])
    keep(stuck(), encryption=encryption)
    finished = run("finish", "chk_stuck", "--as", "ordered", "--order", "7", "--by", "nina")
    assert finished.stdout == "chk_stuck is capturing now.\n"
    assert now("chk_stuck", encryption=encryption).personal == PERSONAL
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


def phases(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ("phases", *arguments), input=typed)


@pytest.fixture
def selling(run: Run, tmp_path: Path) -> Run:
    """A store whose checkout is open, with two open checkouts and one that is paid."""
    text = STORE.format(name="pickle") + '[store.payments]\nprovider = "sandbox"\npublic_sandbox = true\n'
    (tmp_path / "storefront.toml").write_text(text)
    assert phases("open", "p1_browse", "p2_cart", "p3_checkout").exit_code == 0
    keep(checkout("chk_1"), checkout("chk_2"), checkout("chk_paid", state="authorized"))
    return run


def states() -> dict[str, str]:
    with kept() as records:
        found = asyncio.run(records.list_by_state(None, ("open", "closing", "authorized"), limit=10))
    return {one.id: one.state for one in found}


def test_a_pause_of_the_checkout_lets_open_ones_finish_and_says_how_to_end_them(selling: Run) -> None:
    paused = phases("pause", "p3_checkout", "--reason", "stocktaking", "--until", "2099-02-01T09:00:00+10:00")

    assert paused.exit_code == NotConfirmed.exit_code, paused.output
    assert "2 checkouts are open: prepared, and not paid." in paused.output
    assert "Agents and buyers are told: Closed for now: stocktaking. It is expected to open again on" in paused.output
    assert "To end that: storefront-mcp checkouts" in paused.output
    assert "close --all" in paused.output
    assert states() == {"chk_1": "open", "chk_2": "open", "chk_paid": "authorized"}
    (phase,) = (
        each for each in json.loads(phases("--json").stdout)["stores"][0]["phases"] if each["name"] == "p3_checkout"
    )
    assert (phase["status"], phase["reason"]) == ("paused", "stocktaking")
    assert "active → paused: stocktaking" in phases("history").output


def test_a_pause_of_the_checkout_closes_open_ones_where_that_is_said(selling: Run) -> None:
    paused = phases("pause", "p3_checkout", "--reason", "a wrong price.", "--checkouts", "close", "--by", "nights")

    assert "2 checkouts are being closed" in paused.output
    assert states() == {"chk_1": "closing", "chk_2": "closing", "chk_paid": "authorized"}
    with kept() as records:
        closed = asyncio.run(records.find(StoreId("pickle"), "chk_1"))
    assert closed is not None
    assert (closed.closing_to, closed.reason) == ("canceled", "a wrong price.")
    assert closed.due_at is not None
    assert closed.personal == PERSONAL
    with closing(Database(Path("storefront.db"))) as database:
        entries = [one.entry for one in AuditLog(database).read() if one.entry.subject == "checkout.closed"]
    assert [entry.who.id for entry in entries] == ["nights", "nights"]


def test_one_open_checkout_is_closed_and_no_other(selling: Run) -> None:
    assert "is being closed" in selling("close", "chk_1").output
    assert states() == {"chk_1": "closing", "chk_2": "open", "chk_paid": "authorized"}
    for id_, says in (("chk_1", "is closing"), ("chk_paid", "is authorized"), ("chk_none", "There is no checkout")):
        refused = selling("close", id_)
        assert refused.exit_code == 2
        assert says in refused.output
    assert selling("close").exit_code == 2
    assert selling("close", "chk_2", "--all").exit_code == 2


def test_what_is_being_worked_on_is_named_when_it_stays_open(selling: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.checkout.closing.ROUND_SECONDS", 0.0)
    with kept() as records:
        assert asyncio.run(records.lease("chk_2", now=NOW, seconds=1e9)) is not None
    refused = selling("close", "--all")

    assert refused.exit_code == 2
    assert "1 checkout is being closed" in refused.output
    assert "Still open, as they are being worked on: chk_2." in refused.output


def test_a_pause_that_is_repeated_is_accepted_and_another_reason_is_told(selling: Run) -> None:
    words = ("pause", "p3_checkout", "--reason", "a leak", "--checkouts")
    assert "active → paused" in phases(*words, "finish").output
    again = phases(*words, "close")

    # Nobody runs who could confirm it.
    assert again.exit_code == NotConfirmed.exit_code, again.output
    assert "p3_checkout is paused already. Agents and buyers are told: Closed for now: a leak." in again.stdout
    assert "2 checkouts are being closed" in again.stdout
    assert "Flip" not in again.stdout
    both = phases("pause", "p2_cart", *words[1:], "finish")
    assert "p3_checkout is paused already." in both.stdout
    assert "p2_cart: active → paused" in both.stdout
    other = phases("pause", "p3_checkout", "--reason", "a fire")
    assert "Agents and buyers are told: Closed for now: a fire." in other.stdout
    made = [
        (flip["phase"], flip["terms"].get("reason")) for flip in json.loads(phases("history", "--json").stdout)["flips"]
    ]
    assert made[-3:] == [("p3_checkout", "a leak"), ("p2_cart", "a leak"), ("p3_checkout", "a fire")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("p3_checkout", "--at", "2099-02-01T09:00:00+10:00"), "once the phase is paused: storefront-mcp checkouts"),
        (("p2_cart",), "--checkouts goes with the checkout phase only."),
    ],
)
def test_an_end_of_checkouts_that_nobody_would_bring_about_is_refused(
    selling: Run, words: tuple[str, ...], says: str
) -> None:
    refused = phases("pause", *words, "--checkouts", "close")

    assert refused.exit_code == 2, refused.output
    assert "Nothing was changed: " in refused.output
    assert says in refused.output
    assert json.loads(phases("scheduled", "--json").stdout)["scheduled"] == []
    assert "paused" not in phases("history", "--json").stdout
    assert states()["chk_1"] == "open"


@pytest.mark.parametrize("until", ["tomorrow", "2027-02-01", "2027-02-01T09:00:00"])
def test_an_end_without_an_offset_is_refused(selling: Run, until: str) -> None:
    refused = phases("pause", "p3_checkout", "--until", until)

    assert refused.exit_code == 2
    assert "wants a date and time with an offset" in refused.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("open", "p4_account", "--at", "2020-01-01T09:00:00+10:00"), "2020-01-01T09:00:00+10:00 has passed: "),
        (("pause", "p3_checkout", "--at", "2020-01-01T09:00:00Z"), "2020-01-01T09:00:00+00:00 has passed: "),
        (("pause", "p3_checkout", "--until", "2020-01-01T09:00:00Z"), "A pause ends after it has begun"),
        (
            ("pause", "p3_checkout", "--at", "2099-01-02T09:00:00Z", "--until", "2099-01-01T09:00:00Z"),
            "A pause ends after it has begun, which is 2099-01-02 09:00:00 UTC; 2099-01-01T09:00:00+00:00 is not",
        ),
    ],
)
def test_a_moment_that_has_passed_is_refused(selling: Run, words: tuple[str, ...], says: str) -> None:
    before = phases("history").stdout
    refused = phases(*words)

    assert refused.exit_code == 2, refused.output
    assert says in refused.output
    assert phases("history").stdout == before
    assert json.loads(phases("scheduled", "--json").stdout)["scheduled"] == []


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_stop_closes_what_is_open_and_says_the_way_back(selling: Run) -> None:
    stopped = command("stop", "buying", "--reason", "wrong prices", "--by", "nights")

    assert stopped.exit_code == NotConfirmed.exit_code, stopped.output
    assert "Stop 2 of pickle is on record, for cart and payment" in stopped.output
    assert "2 checkouts are being closed" in stopped.output
    assert states() == {"chk_1": "closing", "chk_2": "closing", "chk_paid": "authorized"}
    back = "The way back: storefront-mcp resume --config storefront.toml --store pickle"
    assert back in stopped.output
    assert f"STOPPED: cart and payment, by nights. {back}" in phases().output

    resumed = command("resume", "--by", "days")
    assert resumed.exit_code == 0, resumed.output
    assert "Stop 2 of pickle has ended: cart and payment is back" in resumed.output
    assert "Open on record: p1_browse, p2_cart, p3_checkout" in resumed.output
    assert command("resume").exit_code == 2


def test_one_program_is_stopped_and_let_in_again_while_another_stop_stands(selling: Run) -> None:
    assert 'for the program "badbot"' in command("stop", "--client", "BadBot").output
    assert states()["chk_1"] == "open"
    assert command("stop", "everything").exit_code == NotConfirmed.exit_code
    resumed = command("resume", "--client", "badbot")
    assert "Still stopped: everything, by" in resumed.output
    assert command("resume", "--client", "badbot").exit_code == 2


@pytest.mark.parametrize(
    "arguments", [(), ("everything", "--client", "badbot"), ("--client", "x"), ("buying", "--reason", "x" * 201)]
)
def test_a_stop_that_means_nothing_is_refused(selling: Run, arguments: tuple[str, ...]) -> None:
    assert command("stop", *arguments).exit_code == 2
    assert command("resume").exit_code == 2, "nothing was stopped"


def test_a_phase_is_opened_for_some_and_the_table_says_for_whom(selling: Run) -> None:
    opened = phases("open", "p2_cart", "--share", "10", "--client", "Claude")

    assert "Only for 10 % of the callers, and claude; everybody else is shown it paused." in opened.output
    assert "active for 10 % of the callers, and claude" in phases().output
    assert phases("open", "p2_cart", "--share", "110").exit_code == 2


def test_a_flip_is_scheduled_listed_and_cancelled(selling: Run) -> None:
    later = phases("pause", "p3_checkout", "--at", "2099-02-01T09:00:00+10:00", "--reason", "night")
    assert "is scheduled for 2099-01-31 23:00:00 UTC" in later.output
    (flip,) = json.loads(phases("scheduled", "--json").stdout)["scheduled"]
    assert (flip["changes"], flip["terms"], flip["outcome"]) == ({"p3_checkout": "paused"}, {"reason": "night"}, "")
    assert "p3_checkout → paused" in phases("scheduled").output
    assert "is cancelled" in phases("unschedule", flip["id"]).output
    assert phases("unschedule", flip["id"]).exit_code == 2
    assert phases("open", "nope", "--at", "2099-02-01T09:00:00+10:00").exit_code == 2


def test_a_scheduled_flip_that_was_refused_is_named_until_it_is_seen_to(selling: Run) -> None:
    assert phases("open", "p4_account", "--at", "2099-02-01T09:00:00+10:00", "--by", "nights").exit_code == 0
    moment = dt.datetime(2099, 2, 1, tzinfo=dt.UTC)
    with closing(Database(Path("storefront.db"))) as database:
        flips = SqlFlipRepository(database, now=lambda: moment)
        (shop,) = load_settings(None).settings.stores
        assert flips.flip_due({shop.id: planned_roadmap(shop)}) == 1
        flips.close()
    (flip,) = json.loads(phases("--json").stdout)["stores"][0]["refused_flips"]
    shown = phases().output
    assert f"NOT MADE: {flip['id']}, p4_account → active, which nights scheduled for 2099-01-31 23:00:00 UTC" in shown
    assert "was refused: p4_account: " in shown
    assert f"storefront-mcp phases unschedule {flip['id']} --config storefront.toml --store pickle" in shown
    assert phases("unschedule", flip["id"]).exit_code == 0
    assert "NOT MADE" not in phases().output
