"""The console's page of customers: who may act for whom, and its end."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from storefront_mcp.database import FieldEncryption
from storefront_mcp.database.oauth import SqlOAuthRepository
from tests.unit.console.environment import PICKLE, Stage, staged
from tests.unit.database.oauth_samples import CLIENT, MONTH, granted

pytestmark = pytest.mark.slow

TAB = ">Customers</a>"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A console of a store whose customers can sign in; two of them have granted something, one twice."""
    key = Fernet.generate_key().decode()
    with staged(tmp_path, key=key) as made:
        record = SqlOAuthRepository(made.database, FieldEncryption([key]))
        for id_, customer in (("ada-1", "4"), ("ada-2", "4"), ("bo-1", "5")):
            granted(
                record,
                id_,
                customer=customer,
                subject=f"subject-{customer}",
                client_name="<b>Agent",
                redirect_host="chat.example" if id_ == "bo-1" else "",
                expires_at=1_800_000_000.0 + 100 * MONTH,
            )
        yield made


def live(stage: Stage) -> set[str]:
    """Ids of the grants that have not ended."""
    return {grant.id for grant in SqlOAuthRepository(stage.database, None).grants(PICKLE) if grant.ended_at is None}


def test_grants_are_shown_found_and_ended(stage: Stage) -> None:
    with stage.browser() as olive:
        olive.sign_in("manage:workspace", label="Olive")
        page = olive.get("/customers").text
        assert TAB in page
        assert "3 grants, the newest first" in page
        assert "calls itself “<bdi>&lt;b&gt;Agent</bdi>”" in page
        assert "see your orders and where they are" in page
        found = olive.get("/customers", params={"text": "CHAT.example"}).text
        assert "1 grant," in found
        assert "bo-1" in found
        assert "None fits." in olive.get("/customers", params={"text": "nobody"}).text

        ended = olive.send("/customers/end", {"grant": "bo-1"})
        assert ended.status_code == 303
        assert "1 grant ended" in olive.get(stage.origin + ended.headers["location"]).text
        assert live(stage) == {"ada-1", "ada-2"}
        subject = re.search(r'name="subject" value="([^"]+)"', olive.get("/customers").text)
        assert subject is not None
        assert olive.send("/customers/end", {"subject": subject[1]}).status_code == 303
        assert live(stage) == set()
        assert "There are none." in olive.get("/customers").text
        assert "operator" in olive.get("/customers", params={"all": "1"}).text
    assert {entry.subject for entry in stage.audit() if entry.what == "grant.ended"} == {"ada-1", "ada-2", "bo-1"}


@pytest.mark.parametrize("fields", [{}, {"grant": "ada-1", "subject": "subject-4"}, {"grant": "nobody"}])
def test_a_form_that_names_no_grant_ends_none(stage: Stage, fields: dict[str, str]) -> None:
    with stage.browser() as olive:
        olive.sign_in("manage:workspace")
        olive.get("/customers")
        assert olive.send("/customers/end", fields).status_code in {400, 404}
    assert live(stage) == {"ada-1", "ada-2", "bo-1"}


def test_only_who_may_end_grants_sees_them(stage: Stage) -> None:
    with stage.browser() as olive:
        olive.sign_in("manage:phases")
        assert TAB not in olive.get("/roadmap").text
        assert olive.get("/customers").status_code == 403
        olive.get("/roadmap")
        assert olive.send("/customers/end", {"grant": "ada-1"}).status_code == 403
    assert live(stage) == {"ada-1", "ada-2", "bo-1"}


def test_a_store_without_sign_in_has_no_such_page(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as olive:
        olive.sign_in("manage:workspace")
        assert TAB not in olive.get("/roadmap").text
        assert olive.get("/customers").status_code == 404


def test_an_agent_is_blocked_for_everybody_and_let_in_again(stage: Stage) -> None:
    with stage.browser() as olive:
        olive.sign_in("manage:workspace", label="Olive")
        assert "Agents that are blocked" not in olive.get("/customers").text
        done = olive.send("/customers/block", {"client": CLIENT})
        assert done.status_code == 303
        page = olive.get(stage.origin + done.headers["location"]).text
        assert "All of its grants have ended" in page
        assert f"<code>{CLIENT}</code>" in page
        assert live(stage) == set()

        done = olive.send("/customers/unblock", {"client": CLIENT})
        page = olive.get(stage.origin + done.headers["location"]).text
        assert "Let in again." in page
        assert "Agents that are blocked" not in page
        olive.get("/customers")
        assert olive.send("/customers/unblock", {"client": CLIENT}).status_code == 404
        for client in ("", "b\u00fccher"):
            olive.get("/customers")
            assert olive.send("/customers/block", {"client": client}).status_code == 400
    told = [(entry.what, entry.subject) for entry in stage.audit() if entry.what.startswith("client.")]
    assert told == [("client.blocked", CLIENT), ("client.unblocked", CLIENT)]
