"""The console's page of customers in a real Chromium: what agents may do is found, ended and blocked, by everybody."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from playwright.sync_api import expect

from storefront_mcp.database import FieldEncryption
from storefront_mcp.database.oauth import SqlOAuthRepository
from tests.external.browser.conftest import SCHEMES, Opening, violations
from tests.external.browser.test_console import DESK, enter
from tests.unit.console.environment import PICKLE, Stage, staged
from tests.unit.database.oauth_samples import CLIENT, MONTH, granted

pytestmark = pytest.mark.browser
LATER = 1_800_000_000.0 + 100 * MONTH


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A console of a store at which two agents act for customers, and a third is blocked."""
    key = Fernet.generate_key().decode()
    with staged(tmp_path, key=key) as made:
        record = SqlOAuthRepository(made.database, FieldEncryption([key]))
        for id_, client in (("ada-1", CLIENT), ("ada-2", "agent-2"), ("bo-1", CLIENT)):
            customer = id_.partition("-")[0]
            granted(record, id_, customer=customer, subject=customer, client_id=client, expires_at=LATER)
        blocked = f"dcr1.{'x' * 400}.tag"
        record.block_client(PICKLE, blocked, "registered", now=1_700_000_000.0, by="ada")
        yield made


@pytest.mark.parametrize("scripts", [False, True])
def test_an_agent_is_blocked_and_let_in_again(stage: Stage, opening: Opening, scripts: bool) -> None:
    window = enter(stage, opening, scripts=scripts)
    window.get_by_role("link", name="Customers").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("Customers")
    row = window.get_by_role("row").filter(has_text="bo-1")
    row.locator("summary").last.click()
    row.get_by_role("button", name="Block this agent for everybody").click()

    expect(window.get_by_role("status").first).to_contain_text("All of its grants have ended")
    expect(window.get_by_role("row").filter(has_text="bo-1")).to_have_count(0)
    expect(window.get_by_role("row").filter(has_text="ada-2")).to_have_count(1)
    blocked = window.get_by_role("row").filter(has_text=CLIENT)
    blocked.get_by_role("button", name="Let it in again").click()
    expect(window.get_by_role("status").first).to_contain_text("Let in again.")
    expect(blocked).to_have_count(0)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_is_accessible_and_fits_a_narrow_phone(stage: Stage, opening: Opening, axe: str, scheme: str) -> None:
    window = enter(stage, opening, scheme=scheme, scripts=True)
    window.goto(f"{stage.origin}/operator/customers?all=1")
    for summary in window.locator("td summary").all():
        summary.click()
    assert violations(window, axe) == []
    window.set_viewport_size({"width": 320, "height": 700})
    assert window.evaluate("document.documentElement.scrollWidth") <= 320
    window.set_viewport_size({"width": DESK, "height": 900})
    window.goto(f"{stage.origin}/operator/customers?client=blocked&text=nobody")
    assert violations(window, axe) == []
