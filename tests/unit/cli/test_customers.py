"""`customers`: who may act for whom, and its end, on the machine itself."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from storefront_mcp.cli import main
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.engine import utc_now
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.oauth.customer_digests import SECRET_NAME, CustomerDigests
from tests.unit.cli.test_keys import STORE
from tests.unit.database.oauth_samples import CLIENT, ENCRYPTION, MONTH, granted

pytestmark = pytest.mark.slow

PICKLE = StoreId("pickle")
PEOPLE = [("ada-1", "4", "ada@example.com"), ("ada-2", "4", "ada@example.com"), ("bo-1", "5", "bo@example.com")]
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in a directory with one store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STOREFRONT_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "250")
    (tmp_path / "storefront.toml").write_text(STORE.format(name="pickle"))
    return lambda *arguments, **options: CliRunner().invoke(main, ("customers", *arguments), **options)


@pytest.fixture
def records(run: Run, tmp_path: Path) -> Iterator[SqlOAuthRepository]:
    """The record of a store with grants of two customers: `ada-1` and `ada-2`, and `bo-1`."""
    with closing(Database(tmp_path / "storefront.db")) as database:
        digests = CustomerDigests(PICKLE, database.shared_secret(SECRET_NAME))
        made = SqlOAuthRepository(database, ENCRYPTION)
        for at, (id_, customer, email) in enumerate(PEOPLE):
            now = utc_now().timestamp() + at
            granted(
                made,
                id_,
                customer=customer,
                subject=digests.subject(customer),
                mailbox=digests.mailbox(email),
                client_name="[bold]Agent",
                redirect_host="chat.example" if id_ == "ada-1" else "",
                created_at=now,
                expires_at=now + MONTH,
            )
        yield made


def live(records: SqlOAuthRepository) -> set[str]:
    return {grant.id for grant in records.grants(PICKLE) if grant.is_live(utc_now().timestamp())}


def ok(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("records")
def test_grants_are_listed_with_who_is_proven_and_what_is_said(run: Run) -> None:
    listed = ok(run("grants"))
    assert sorted(("ada-1", "ada-2", "bo-1"), key=listed.index) == ["bo-1", "ada-2", "ada-1"]
    assert "chat.example “[bold]Agent”" in listed
    assert "an app on their computer “[bold]Agent”" in listed
    assert "orders:read, checkout" in listed

    (one,) = json.loads(run("grants", "--customer", "5", "--json").stdout)["grants"]
    assert (one["id"], one["customer"], one["standing"], one["scopes"]) == (
        "bo-1",
        "5",
        "live",
        ["orders:read", "checkout"],
    )


@pytest.mark.parametrize(
    ("arguments", "left", "said"),
    [
        (["ada-1", "bo-1"], {"ada-2"}, "2 grants of pickle ended."),
        (["--customer", "4"], {"bo-1"}, "2 grants of pickle ended."),
        (["--email", "Bo@Example.com"], {"ada-1", "ada-2"}, "1 grant of pickle ended."),
        (["--customer", "6"], {"ada-1", "ada-2", "bo-1"}, "0 grants of pickle ended."),
        (["--everyone"], set(), "3 grants of pickle ended."),
    ],
)
def test_an_operator_ends_grants(
    run: Run, records: SqlOAuthRepository, arguments: list[str], left: set[str], said: str
) -> None:
    assert said in ok(run("revoke", *arguments, "--by", "olive"))

    assert live(records) == left
    ended = [one for one in json.loads(run("grants", "--all", "--json").stdout)["grants"] if one["id"] not in left]
    assert {one["standing"] for one in ended} <= {"ended: operator"}


def test_a_grant_that_is_not_there_is_named(run: Run, records: SqlOAuthRepository) -> None:
    result = run("revoke", "ada-1", "nobody")
    assert result.exit_code == 2
    assert "There is no grant nobody that has not ended." in result.output
    assert live(records) == {"ada-2", "bo-1"}


def test_nothing_is_said_to_have_ended_where_no_grant_was_found(run: Run, records: SqlOAuthRepository) -> None:
    result = run("revoke", "nope")
    assert result.exit_code == 2
    assert "There is no grant nope that has not ended." in result.output
    assert "0 grants" not in result.output
    assert live(records) == {"ada-1", "ada-2", "bo-1"}


def test_an_address_by_which_nobody_is_known_is_an_error(run: Run, records: SqlOAuthRepository) -> None:
    result = run("revoke", "--email", "nobody@example.com")
    assert result.exit_code == 2
    assert "Nobody is known at pickle by the address nobody@example.com" in result.output
    assert "0 grants" not in result.output
    assert live(records) == {"ada-1", "ada-2", "bo-1"}


def test_an_address_whose_grants_have_all_ended_is_known(run: Run, records: SqlOAuthRepository) -> None:
    ok(run("revoke", "--email", "bo@example.com"))
    assert "0 grants of pickle ended." in ok(run("revoke", "--email", "bo@example.com"))
    assert live(records) == {"ada-1", "ada-2"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], ""),
        (["ada-1", "--everyone"], "grants and --everyone cannot go together."),
        (["--customer", "4", "--everyone"], "--customer and --everyone cannot go together."),
        (["--customer", "4", "--email", "ada@example.com"], "--customer and --email cannot go together."),
    ],
)
def test_what_is_to_end_is_said_in_one_way(
    run: Run, records: SqlOAuthRepository, arguments: list[str], named: str
) -> None:
    result = run("revoke", *arguments)
    assert result.exit_code == 2
    assert named in result.output
    assert "Name grants, or one of --customer, --email and --everyone." in result.output
    assert live(records) == {"ada-1", "ada-2", "bo-1"}


def test_digests_tell_customers_apart_and_stores_and_nothing_else() -> None:
    mine, other = CustomerDigests(PICKLE, b"key"), CustomerDigests(StoreId("jar"), b"key")
    assert mine.subject("4") == CustomerDigests(PICKLE, b"key").subject("4")
    assert mine.mailbox(" Ada@Example.com") == mine.mailbox("ada@example.com")
    made = {mine.subject("4"), mine.subject("5"), other.subject("4"), mine.mailbox("4"), with_other_key().subject("4")}
    assert len(made) == 5


def with_other_key() -> CustomerDigests:
    return CustomerDigests(PICKLE, b"another key")


def test_an_agent_is_blocked_by_any_of_its_grants_and_let_in_again(run: Run, records: SqlOAuthRepository) -> None:
    assert f"{CLIENT} is blocked at pickle; 3 grants ended." in ok(run("block", "bo-1", "--by", "olive"))
    assert live(records) == set()
    assert CLIENT in ok(run("blocked"))
    (one,) = json.loads(run("blocked", "--json").stdout)["clients"]
    assert (one["client_id"], one["store"], one["kind"]) == (CLIENT, "pickle", "document")

    assert f"{CLIENT} is let in again at pickle." in ok(run("unblock", CLIENT, "--by", "olive"))
    assert records.blocked_clients(PICKLE) == []
    again = run("unblock", CLIENT)
    assert again.exit_code != 0
    assert "is not blocked at pickle" in again.output
    assert f"{CLIENT} is blocked at pickle; 0 grants ended." in ok(run("block", CLIENT))


def test_what_is_no_client_is_not_blocked(run: Run, records: SqlOAuthRepository) -> None:
    refused = run("block", "b\u00fccher")
    assert refused.exit_code != 0
    assert "is no client_id, and no grant" in refused.output
    assert records.blocked_clients(PICKLE) == []
