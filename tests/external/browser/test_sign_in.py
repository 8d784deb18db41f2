"""The pages where a person signs in, in a real Chromium: a phone, a keyboard, no scripts, light and dark."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from storefront_mcp.cards.site.icon import brand_hue
from storefront_mcp.commerce.customers import TooManyTries
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.oauth.errors import ClientRefused
from storefront_mcp.oauth.sign_in_steps import MAX_TRIES
from storefront_mcp.oauth.sign_in_views import ReturnAddress
from storefront_mcp.web.buyer_pages import BuyerPages
from storefront_mcp.web.sign_in_pages import SignInPages, SignInSite
from tests.external.browser.conftest import SCHEMES, Opening, Provider, on_loopback, press, violations
from tests.fakes.memory_oauth import CODE, EMAIL, PASSWORD, MemoryLogin
from tests.serving import free_port, served
from tests.unit.oauth.signing_in import ASKED, SignInWorld, sign_in_world
from tests.unit.web.buying import FakePaying, buyer_app
from tests.unit.web.test_sign_in_pages import StubServer

pytestmark = pytest.mark.browser
PATH = "/oauth/authorize?client_id=agent"
TITLE = "Sign in · Pickle Warehouse"
SCOPES = ("profile:read", "orders:read", "orders:write", "checkout")


class SignInDoor(Struct):
    """A served store where one customer signs in, and who answers behind it."""

    origin: str
    world: SignInWorld
    server: StubServer


@contextlib.contextmanager
def door(login: MemoryLogin, redirect: str, *, locale: str = "en-AU") -> Iterator[SignInDoor]:
    """Serve the pages; the client's redirect URI is `redirect`."""
    store = replace(on_loopback(free_port()), locale=locale)
    world, server = sign_in_world(login, store=store), StubServer()
    server.asked = replace(ASKED, redirect_uri=redirect, client_name="Pickle Agent", scopes=SCOPES)
    site = SignInSite(
        sign_in=world.sign_in,
        agents=world.agents,
        server=server,
        address_of=lambda _: "",
        register_url="https://www.pickle.example/register",
        reset_url="https://www.pickle.example/forgotten",
    )
    pages = SignInPages({store.id: site}, BuyerPages(brand_hue))
    with served(buyer_app(FakePaying(), store, more=pages.routes()), int(store.host.rpartition(":")[2])) as origin:
        yield SignInDoor(origin, world, server)


@pytest.fixture
def shop(provider: Provider) -> Iterator[SignInDoor]:
    """The client's page is on another origin."""
    with door(MemoryLogin(), f"{provider.origin}/session") as made:
        yield made


@pytest.fixture
def guarded(provider: Provider) -> Iterator[SignInDoor]:
    """As `shop`, where the account has a second factor."""
    with door(MemoryLogin(code=True), f"{provider.origin}/session") as made:
        yield made


def sign_in(page: Page, password: str = PASSWORD, *, button: str = "Sign in and allow") -> None:
    """Type e-mail address and password, and press the button with the keyboard."""
    page.get_by_role("textbox", name="E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(password)
    press(page, button)


def test_a_person_signs_in_with_the_keyboard_alone_and_lands_at_the_client(
    shop: SignInDoor, provider: Provider, opening: Opening
) -> None:
    page = opening(shop.origin + PATH)
    expect(page).to_have_title(TITLE)
    page.get_by_label("Cancel orders that are not paid or sent").uncheck()
    sign_in(page)

    expect(page).to_have_title("Provider")
    (grant,) = shop.world.records.granted.values()
    assert grant.scopes == ("profile:read", "orders:read", "checkout")
    (came,) = provider.seen
    assert "referer" not in came
    assert "code=sfc_" in page.url


def test_a_wrong_password_is_told_and_what_was_unticked_stays_so(shop: SignInDoor, opening: Opening) -> None:
    page = opening(shop.origin + PATH)
    page.get_by_label("See your name, e-mail and saved addresses").uncheck()
    sign_in(page, "wrong")

    expect(page.get_by_role("alert")).to_contain_text("That did not match.")
    expect(page.get_by_label("See your name, e-mail and saved addresses")).not_to_be_checked()
    expect(page.get_by_role("textbox", name="E-mail")).to_have_value(EMAIL)
    expect(page.get_by_label("Password")).to_have_value("")
    sign_in(page)
    expect(page).to_have_title("Provider")


def test_a_person_with_a_second_factor_signs_in(guarded: SignInDoor, opening: Opening) -> None:
    page = opening(guarded.origin + PATH)
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    page.get_by_label("Code").fill(CODE)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in and allow")

    expect(page).to_have_title("Provider")
    assert len(guarded.world.records.granted) == 1


def test_a_person_who_cancels_lands_at_the_client_without_a_code(
    shop: SignInDoor, provider: Provider, opening: Opening
) -> None:
    page = opening(shop.origin + PATH)
    press(page, "Cancel")

    expect(page).to_have_title("Provider")
    assert "error=access_denied" in page.url
    assert shop.world.login.asked == []


def test_going_back_after_the_end_begins_anew_and_repeats_nothing(shop: SignInDoor, opening: Opening) -> None:
    page = opening(shop.origin + PATH)
    handle = page.locator('input[name="request"]').first
    first = handle.get_attribute("value")
    sign_in(page)
    expect(page).to_have_title("Provider")
    page.go_back()

    expect(page).to_have_title(TITLE)
    expect(handle).not_to_have_attribute("value", first or "")
    expect(page.get_by_label("Password")).to_have_value("")
    assert len(shop.world.records.granted) == len(shop.world.login.asked) == 1


def test_two_tabs_of_one_browser_both_sign_in(shop: SignInDoor, opening: Opening) -> None:
    first = opening(shop.origin + PATH)
    second = first.context.new_page()
    second.goto(shop.origin + PATH)
    for page in (first, second):
        page.bring_to_front()
        sign_in(page)
        expect(page).to_have_title("Provider")
    assert len(shop.world.records.granted) == 2


def test_a_form_that_is_sent_by_another_profile_is_not_taken(shop: SignInDoor, opening: Opening) -> None:
    mine, other = opening(shop.origin + PATH), opening(shop.origin + PATH)
    handle = mine.locator('input[name="request"]').first.get_attribute("value")
    with_handle = opening(shop.origin + PATH, scripts=True)
    with_handle.evaluate(
        "handle => document.querySelectorAll('input[name=request]').forEach(field => field.value = handle)", handle
    )
    sign_in(with_handle)
    expect(with_handle).to_have_title("Please start again · Pickle Warehouse")
    sign_in(other)
    expect(other).to_have_title("Provider")


def test_no_other_site_frames_the_page_or_sends_its_form(shop: SignInDoor, opening: Opening) -> None:
    page = opening("about:blank", scripts=True, quiet=True)
    page.set_content(f'<iframe src="{shop.origin}{PATH}"></iframe>')
    page.wait_for_load_state("networkidle")
    assert page.frames[-1].locator("form").count() == 0
    page.set_content(f'<form method="post" action="{shop.origin}/oauth/sign-in"><button>Win a prize</button></form>')
    page.get_by_role("button", name="Win a prize").click()
    expect(page).to_have_title("This came from another site · Pickle Warehouse")
    assert shop.world.login.asked == []


def test_an_app_gets_its_answer_through_a_button(opening: Opening) -> None:
    with door(MemoryLogin(), "cursor://anysphere.cursor-mcp/oauth/callback") as shop:
        page = opening(shop.origin + PATH, quiet=True)
        expect(page.get_by_text("links on this computer wants to act for you")).to_be_visible()
        sign_in(page)
        expect(page).to_have_title("Back to your assistant · Pickle Warehouse")
        link = page.get_by_role("link", name="Open your assistant")
        address = link.get_attribute("href") or ""
        assert address.startswith("cursor://anysphere.cursor-mcp/oauth/callback?code=sfc_")


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1"])
def test_the_policy_lets_the_answer_through_to_a_program_on_this_computer(
    provider: Provider, opening: Opening, address: str
) -> None:
    port = provider.origin.rpartition(":")[2]
    with door(MemoryLogin(), f"http://{address}:{port}/session") as shop:
        page = opening(shop.origin + PATH)
        sign_in(page)
        expect(page).to_have_title("Provider")


def test_a_person_sees_their_agents_ends_one_and_leaves(shop: SignInDoor, opening: Opening) -> None:
    for _ in range(2):
        sign_in(opening(shop.origin + PATH))
    page = opening(f"{shop.origin}/account/agents")
    sign_in(page, button="Sign in")
    expect(page.get_by_text(f"You are signed in as {EMAIL}.")).to_be_visible()
    buttons = page.get_by_role("button", name="End this")
    expect(buttons).to_have_count(2)
    press(page, "End all of them")
    expect(page.get_by_role("status").first).to_contain_text("Ended.")
    expect(buttons).to_have_count(0)
    press(page, "Sign out")
    expect(page).to_have_title("You are signed out · Pickle Warehouse")
    assert all(grant.ended_at is not None for grant in shop.world.records.granted.values())


def visit_agents(state: str, shop: SignInDoor, opening: Opening, **options: Any) -> Page:
    """Open the page of the connected agents in one of its states."""
    if state == "agents":
        for _ in range(2):
            sign_in(opening(shop.origin + PATH))
    page = opening(f"{shop.origin}/account/agents", **options)
    sign_in(page, button="Sign in")
    if state == "left":
        press(page, "Sign out")
    return page


def visit_refusal(state: str, shop: SignInDoor, opening: Opening, **options: Any) -> Page:
    """Open a page that says why nobody signs in."""
    if state == "many":
        shop.world.records.at_most = 0
    elif state == "foreign":
        page = opening("about:blank", **options)
        page.set_content(
            f'<form method="post" action="{shop.origin}/oauth/sign-in"><button>Win a prize</button></form>'
        )
        page.get_by_role("button", name="Win a prize").click()
        return page
    else:
        unproven = ReturnAddress(
            address="https://agent.example/callback?error=invalid_request", is_app=False, unproven=True
        )
        shop.server.asked = ClientRefused("This request says scope twice.") if state == "client" else unproven
    return opening(shop.origin + PATH, **options)


def visit(state: str, shop: SignInDoor, opening: Opening, **options: Any) -> Page:
    """Open a page in one of its states."""
    if state in {"agents", "no agents", "left"}:
        return visit_agents(state, shop, opening, **options)
    if state in {"many", "foreign", "client", "refused"}:
        return visit_refusal(state, shop, opening, **options)
    login, records = shop.world.login, shop.world.records
    login.fault = {"limited": TooManyTries(retry_after=600), "down": ShopDown("pickle")}.get(state)
    login.code = state in {"code", "mailed code"}
    if state in {"address", "mailed code"}:
        login.form = "mailed_code"
    if state == "return":
        shop.server.asked = replace(ASKED, redirect_uri="cursor://anysphere.cursor-mcp/oauth/callback")
    page = opening(shop.origin + PATH, **options)
    if state == "mailed code":
        page.get_by_role("textbox", name="E-mail").fill(EMAIL)
        press(page, "Mail me a code")
    elif state in {"limited", "down", "code", "wrong", "over", "spent", "return"}:
        if state == "over":
            records.requests.clear()
        elif state == "spent":
            records.requests |= {key: replace(one, tries=MAX_TRIES) for key, one in records.requests.items()}
        sign_in(page, "wrong" if state == "wrong" else PASSWORD)
    return page


STATES = {
    "open": "Sign in",
    "wrong": "Sign in",
    "limited": "Sign in",
    "down": "Sign in",
    "code": "Confirm that it is you",
    "address": "Sign in",
    "mailed code": "Confirm that it is you",
    "over": "Please start again",
    "spent": "There were too many tries.",
    "many": "There were too many tries.",
    "foreign": "This came from another site",
    "client": "This sign-in cannot go on",
    "refused": "This sign-in cannot go on",
    "return": "Back to your assistant",
    "agents": "Connected assistants",
    "no agents": "Connected assistants",
    "left": "You are signed out",
}
"""The states of the pages, and how each is headed."""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("state", STATES)
def test_every_state_is_accessible(shop: SignInDoor, opening: Opening, axe: str, state: str, scheme: str) -> None:
    page = visit(state, shop, opening, scheme=scheme, scripts=True, quiet=state == "return")
    expect(page.get_by_role("heading", level=1)).to_have_text(STATES[state])
    assert violations(page, axe) == []


@pytest.mark.parametrize("state", STATES)
def test_every_state_fits_a_narrow_phone_and_is_dressed_without_scripts(
    shop: SignInDoor, opening: Opening, state: str
) -> None:
    page = visit(state, shop, opening, width=320, quiet=state == "return")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily").startswith('"Iowan Old Style"')
    assert page.get_by_role("heading", level=1).count() == 1


@pytest.mark.parametrize("locale", ["de", "fr", "es", "ja", "ar"])
def test_every_language_fits_a_narrow_phone(provider: Provider, opening: Opening, locale: str) -> None:
    with door(MemoryLogin(), f"{provider.origin}/session", locale=locale) as shop:
        page = opening(shop.origin + PATH, width=320)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.locator("html").get_attribute("lang") == locale
