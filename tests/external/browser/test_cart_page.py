"""The page of a filled cart, in a real Chromium: a phone, a keyboard, no scripts, light and dark."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import Struct
from playwright.sync_api import Page, expect

from storefront_mcp.checkout_sessions import WantedLine
from storefront_mcp.commerce.ids import CartId
from tests.external.browser.conftest import SCHEMES, Opening, on_loopback, press, violations
from tests.serving import free_port, served
from tests.unit.checkout_sessions.environment import BUYER, HOBART
from tests.unit.web.carts import LINKS, CartPages

pytestmark = pytest.mark.browser


class ServedCart(Struct):
    """The address of a cart's page."""

    url: str


@pytest.fixture(params=["fresh", "known", "refused"])
def cart(request: pytest.FixtureRequest) -> Iterator[ServedCart]:
    pages = CartPages(on_loopback(free_port()))
    known = {"buyer": BUYER, "destination": HOBART} if request.param == "known" else {}
    lines = (WantedLine(sku="DILL", quantity=2), WantedLine(sku="NET-0", quantity=1))
    with ThreadPoolExecutor(1) as apart:  # Playwright's loop runs in this thread
        begun = pages.begun(lines=lines[: 2 if request.param == "refused" else 1], **known)
        state = apart.submit(asyncio.run, begun).result()
    with served(pages.app, int(pages.store.host.rpartition(":")[2])) as origin:
        yield ServedCart(f"{origin}/cart/{LINKS.token(CartId(state.cart.cart_id))}")


def fill_in(page: Page) -> None:
    """What a person types, as far as it is not there."""
    for label, text in (
        ("E-mail", "ada@example.com"),
        ("First name", "Ada"),
        ("Street and number", "1 Brine St"),
        ("Postcode", "7000"),
        ("City", "Hobart"),
        ("State or province", "TAS"),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_label("Country").select_option("AU")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_is_accessible_before_and_after_its_form_was_sent(
    cart: ServedCart, opening: Opening, axe: str, scheme: str
) -> None:
    page = opening(cart.url, scheme=scheme, scripts=True)
    assert violations(page, axe) == []
    fill_in(page)
    page.get_by_role("button", name="See how it can be sent").or_(
        page.get_by_role("button", name="Go on to the whole order")
    ).click()
    expect(page.get_by_label("Post, $9.95")).to_be_visible()
    assert violations(page, axe) == []


def test_the_page_fits_a_narrow_phone_and_leads_on_by_keyboard_without_scripts(
    cart: ServedCart, opening: Opening
) -> None:
    page = opening(cart.url, width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    fill_in(page)
    if page.get_by_role("button", name="See how it can be sent").count():
        press(page, "See how it can be sent")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_label("Van, $0.00").check()
    with page.expect_request("**/pay/*") as asked:
        page.get_by_role("button", name="Go on to the whole order").click()
    assert "referer" not in asked.value.headers
