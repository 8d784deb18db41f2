"""The page where a person pays, in a real Chromium: a phone, a keyboard, no scripts, light and dark."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from storefront_mcp.checkout.payment_page import PaymentPageView
from storefront_mcp.commerce.cart import CartTotals
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.database.engine import Database
from storefront_mcp.database.sandbox import SqlSandboxRepository
from storefront_mcp.payments.provider import PaymentSessionRequest
from storefront_mcp.payments.sandbox import SandboxProvider
from storefront_mcp.web import payment_page
from storefront_mcp.web.sandbox_page import sandbox_routes
from tests.external.browser.conftest import SCHEMES, Opening, Provider, Till, on_loopback, press, violations
from tests.fakes.memory_backend import aud
from tests.serving import free_port, served
from tests.unit.web.buying import BUYERS, OPEN_PAGE, STATES, TOKEN, FakePaying, buyer_app, page

pytestmark = pytest.mark.browser
PATH = f"/pay/{TOKEN}"


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that wait look again in an hour, however long it takes to look at them."""
    monkeypatch.setattr(payment_page, "REFRESH_SECONDS", (3600,))


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("state", STATES)
def test_every_state_is_accessible(shop: Till, opening: Opening, axe: str, state: str, scheme: str) -> None:
    shop.paying.now = STATES[state]
    window = opening(shop.origin + PATH, scheme=scheme, scripts=True)
    assert violations(window, axe) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("trouble", ["unknown", "down", "broken", "foreign"])
def test_every_page_of_trouble_is_accessible(shop: Till, opening: Opening, axe: str, trouble: str, scheme: str) -> None:
    shop.paying.fault = {"down": ShopDown("pickle"), "broken": RuntimeError()}.get(trouble)
    path = "/pay/nobody" if trouble == "unknown" else PATH
    window = opening(shop.origin + path, scheme=scheme, scripts=True)
    if trouble == "foreign":
        window = opening("about:blank", scheme=scheme, scripts=True)
        window.set_content(f'<form method="post" action="{shop.origin}{PATH}"><button>Win a prize</button></form>')
        window.get_by_role("button", name="Win a prize").click()
        expect(window).to_have_title("This came from another site · Pickle Warehouse")
        assert "pay" not in {asked[0] for asked in shop.paying.asked}
    assert violations(window, axe) == []


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("state", STATES)
def test_every_state_fits_a_narrow_phone_and_is_dressed_without_scripts(
    shop: Till, opening: Opening, state: str
) -> None:
    shop.paying.now = STATES[state]
    window = opening(shop.origin + PATH, width=320)
    assert window.evaluate("document.documentElement.scrollWidth") <= 320
    assert window.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily").startswith('"Iowan Old Style"')
    assert window.locator("header img").evaluate("icon => icon.naturalWidth") > 0
    assert window.get_by_role("heading", level=1).count() == 1


def test_a_person_pays_with_the_keyboard_alone_and_the_provider_learns_no_address(
    shop: Till, provider: Provider, opening: Opening
) -> None:
    window = opening(shop.origin + PATH)
    press(window, "Pay $342.05")
    expect(window).to_have_title("Provider")
    assert shop.paying.asked[-1] == ("pay", TOKEN, 34205, None)
    (came,) = provider.seen
    assert "referer" not in came
    assert TOKEN not in str(came)


def test_a_browser_stops_a_form_that_is_redirected_where_the_policy_does_not_allow(
    shop: Till, provider: Provider, opening: Opening
) -> None:
    """Why the page has a policy of its own: `form-action` holds for redirects as well."""
    store = on_loopback(free_port())
    app = buyer_app(shop.paying, store, form_targets=())
    with served(app, int(store.host.rpartition(":")[2])) as origin:
        window = opening(origin + PATH, quiet=True)
        said: list[str] = []
        window.on("console", lambda message: said.append(message.text))
        window.get_by_role("button", name="Pay").click(no_wait_after=True)
        deadline = time.monotonic() + 20
        while not any("form-action" in text for text in said) and time.monotonic() < deadline:
            window.wait_for_timeout(20)
        assert any("form-action" in text for text in said)
    assert provider.seen == []


def test_the_skip_link_is_the_first_thing_the_keyboard_finds(shop: Till, opening: Opening) -> None:
    window = opening(shop.origin + PATH)
    window.keyboard.press("Tab")
    skip = window.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()


def test_a_total_that_changed_is_seen_before_it_is_paid(shop: Till, provider: Provider, opening: Opening) -> None:
    window = opening(shop.origin + PATH)
    address = shop.paying.answer
    shop.paying.answer = shop.paying.now = page(totals=CartTotals(subtotal=aud(36900), total=aud(36900)))
    press(window, "Pay $342.05")
    expect(window.get_by_role("status")).to_contain_text("It was $342.05 and is now $369.00.")
    shop.paying.answer = address
    press(window, "Pay $369.00")
    expect(window).to_have_title("Provider")
    assert [asked[2] for asked in shop.paying.asked if asked[0] == "pay"] == [34205, 36900]


def test_a_page_that_waits_looks_again_by_itself_without_a_script(shop: Till, opening: Opening) -> None:
    shop.paying.now = STATES["confirming"]
    window = opening(f"{shop.origin}{PATH}?done=1")
    expect(window).to_have_title("Checking your payment · Pickle Warehouse")
    shop.paying.now = STATES["ordered"]
    expect(window).to_have_title("Thank you · Pickle Warehouse", timeout=20_000)
    expect(window.get_by_role("status")).to_contain_text("100000042")


def test_who_left_without_paying_finds_the_way_back_to_the_order(shop: Till, opening: Opening) -> None:
    shop.paying.then = STATES["confirming"]
    window = opening(f"{shop.origin}{PATH}?done=1")
    press(window, "Go back to the order", role="link")
    expect(window.get_by_role("button", name="Pay $342.05")).to_be_visible()


def test_when_the_shop_is_down_the_person_tries_again(shop: Till, provider: Provider, opening: Opening) -> None:
    window = opening(shop.origin + PATH)
    shop.paying.fault = ShopDown("pickle")
    press(window, "Pay $342.05")
    expect(window.get_by_role("heading", level=1)).to_contain_text("cannot reach the shop")
    shop.paying.fault = None
    press(window, "Try again", role="link")
    press(window, "Pay $342.05")
    expect(window).to_have_title("Provider")


class SandboxPaying(FakePaying):
    """Just enough of a checkout to pay in the sandbox: the order is there as soon as the money is held."""

    provider: SandboxProvider
    origin: str
    session: str | None = None

    async def page(self, token: str) -> PaymentPageView | None:
        if self.session is None:
            return OPEN_PAGE
        session = await self.provider.session(self.session)
        if session.state == "complete":
            return STATES["ordered"]
        return page(declined=session.declined, state="open" if session.state == "open" else "expired")

    return_from_payment = page

    async def pay(
        self, token: str, *, total_shown: int, offline_method: str | None = None
    ) -> str | PaymentPageView | None:
        wanted = PaymentSessionRequest(
            checkout="chk_1",
            amount=OPEN_PAGE.totals.total,
            title="Your order at Pickle Warehouse",
            email="jane@example.com",
            return_url=f"{self.origin}{PATH}?done=1",
            cancel_url=f"{self.origin}{PATH}",
            expires_at=OPEN_PAGE.expires_at + 10 * 365 * 86_400,
        )
        session = await self.provider.open_session(wanted, key="chk_1:session:1")
        self.session = session.id
        return session.url


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    """A shop whose provider is the sandbox; answers its origin."""
    database = Database(tmp_path / "sandbox.db")
    store = on_loopback(free_port())
    paying = SandboxPaying()
    paying.provider, paying.origin = (
        SandboxProvider(store.id, store.origin, SqlSandboxRepository(database)),
        store.origin,
    )
    app = buyer_app(paying, store, form_targets=(), more=sandbox_routes({store.id: paying.provider}, BUYERS))
    with served(app, int(store.host.rpartition(":")[2])) as origin:
        yield origin
    database.close()


@pytest.mark.parametrize("secure", [False, True])
def test_a_person_buys_in_the_sandbox(sandbox: str, opening: Opening, secure: bool) -> None:
    window = opening(sandbox + PATH)
    press(window, "Pay $342.05")
    expect(window).to_have_title("TEST: Test payment · Pickle Warehouse")
    expect(window.get_by_text("No money moves here.")).to_be_visible()
    paying_at = window.url
    if secure:
        press(window, "Needs 3-D Secure")
        expect(window.get_by_role("heading", level=1)).to_have_text("Confirm it is you")
        press(window, "Approve")
    else:
        press(window, "Pay")
    expect(window).to_have_title("Thank you · Pickle Warehouse")
    window.goto(paying_at)
    expect(window.get_by_text("paying twice is not possible")).to_be_visible()
    press(window, "Back to the shop", role="link")
    expect(window).to_have_title("Thank you · Pickle Warehouse")


@pytest.mark.parametrize("how", ["Decline", "Needs 3-D Secure"])
def test_a_person_is_declined_walks_away_and_pays_after_all(sandbox: str, opening: Opening, how: str) -> None:
    window = opening(sandbox + PATH)
    press(window, "Pay $342.05")
    press(window, how)
    if how != "Decline":
        press(window, "Fail")
    expect(window.get_by_role("status")).to_contain_text("Declined.")
    press(window, "Walk away", role="link")
    expect(window.get_by_role("status")).to_contain_text("The payment did not go through.")
    press(window, "Pay $342.05")
    press(window, "Pay")
    expect(window).to_have_title("Thank you · Pickle Warehouse")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_sandbox_is_accessible_in_every_state(sandbox: str, opening: Opening, axe: str, scheme: str) -> None:
    window = opening(sandbox + PATH, scheme=scheme, scripts=True)
    press(window, "Pay $342.05")
    paying_at = window.url
    assert violations(window, axe) == []
    press(window, "Needs 3-D Secure")
    assert violations(window, axe) == []
    press(window, "Fail")
    assert violations(window, axe) == []
    press(window, "Pay")
    window.goto(paying_at)
    assert violations(window, axe) == []
