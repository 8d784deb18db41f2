"""Our widgets in a real browser, in chat hosts of two kinds: of the extension's own package, and of MCP-UI."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from playwright.sync_api import Browser, BrowserContext, expect

from storefront_mcp.app import create_app
from tests.external.browser.conftest import violations
from tests.external.browser.widgets import (
    Conversation,
    bundled,
    contexts,
    conversation,
    host_app,
    meanwhile,
    widget_settings,
)
from tests.fakes.agent import Agent, Json, value
from tests.journeys.conftest import flip
from tests.journeys.test_a_guest_orders import wish
from tests.serving import free_port, served

pytestmark = pytest.mark.browser

Opening = Callable[..., Conversation]


class Stage(Struct, frozen=True):
    """A served shop, and a served host."""

    shop: str
    host: str


HOSTS = ("app_bridge", "mcp_ui")
OPEN_PHASES = ("p1_browse", "p2_cart", "p3_checkout")
TIMES = "\N{MULTIPLICATION SIGN}"
NO_COMPLAINTS = (
    "405 (Method Not Allowed)",  # a client of the handshake era looks for a stream to GET, and there is none
    "Not connected",  # MCP-UI tells a frame of the tools before it has one
)
SILENT = {"serverTools": {}, "openLinks": {}, "updateModelContext": {}}
"""Of a host through which a widget can say nothing."""


@contextlib.contextmanager
def staged(scripts: dict[str, bytes], folder: Path, *phases: str, **changes: Any) -> Iterator[Stage]:
    """A shop with these phases open, and hosts whose pages may call it."""
    port, own = free_port(), free_port()
    settings = widget_settings(port, f"http://127.0.0.1:{own}", folder, **changes)
    flip(settings, dict.fromkeys(phases, "active"))
    with served(create_app(settings), port) as shop, served(host_app(shop, own, scripts), own) as host:
        yield Stage(shop, host)


@pytest.fixture(scope="module")
def scripts(node_tools: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return {name: bundled(node_tools, name, tmp_path_factory.mktemp("hosts")) for name in HOSTS}


@pytest.fixture(scope="module")
def stage(scripts: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(scripts, tmp_path_factory.mktemp("shop"), *OPEN_PHASES) as stage:
        yield stage


@pytest.fixture(scope="module")
def arabic(scripts: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The same shop, in a language that is written from right to left."""
    with staged(scripts, tmp_path_factory.mktemp("arabic"), *OPEN_PHASES, locale="ar") as stage:
        yield stage


@pytest.fixture(scope="module")
def browsing(scripts: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The same shop, with nothing open but the catalogue."""
    with staged(scripts, tmp_path_factory.mktemp("browsing"), "p1_browse") as stage:
        yield stage


@pytest.fixture
def opening(browser: Browser) -> Iterator[Opening]:
    """Opens hosts; what a host or widget complains about fails the test, and so does what a widget asks the network."""
    complaints: list[str] = []
    opened: list[Conversation] = []
    making = contexts(browser)
    make: Callable[..., BrowserContext] = next(making)

    def open_(stage: Stage, host: str = "app_bridge", **options: Any) -> Conversation:
        opened.append(conversation(make(**options), f"{stage.host}/{host}", complaints))
        return opened[-1]

    yield open_
    for _ in making:
        pass
    assert [said for said in complaints if not any(known in said for known in NO_COMPLAINTS)] == []
    assert [asked for one in opened for asked in one.requests] == []


def findings(chat: Conversation, axe: str) -> list[str]:
    """What axe finds wrong; a widget is a part of its host's page, which has the heading of the first level."""
    return [found for found in violations(chat.widget, axe) if not found.startswith("page-has-heading-one:")]


async def cart_of(origin: str) -> str:
    """A cart with two lines; its id."""
    async with Agent(origin, "2025-11-25") as agent:
        cart: str = value(await agent.call("create_cart"))["cart_id"]
        await agent.call("add_to_cart", cart_id=cart, sku="TEE-BLUE-M", quantity=2)
        value(await agent.call("add_to_cart", cart_id=cart, sku="PAD-J4"))
        return cart


async def order_of(origin: str) -> Json:
    """The arguments of an order that a buyer has said yes to."""
    async with Agent(origin, "2025-11-25") as agent:
        return await wish(agent)


async def prepared(origin: str) -> Json:
    """A checkout that waits for its buyer."""
    async with Agent(origin, "2025-11-25") as agent:
        return value(await agent.call("place_order", **await wish(agent)))


async def cancelled(origin: str, checkout: str) -> Json:
    async with Agent(origin, "2025-11-25") as agent:
        return value(await agent.call("cancel_checkout", checkout_id=checkout))


def arguments_of(tool: str, origin: str) -> Json:
    """Arguments with which a tool has something to show."""
    if tool == "search_products":
        return {"query": "paddle"}
    if tool == "get_product":
        return {"sku": "TEE"}
    if tool == "place_order":
        return meanwhile(order_of(origin))
    if tool == "get_order_status":
        return {"checkout_id": meanwhile(prepared(origin))["checkout_id"]}
    address = {"address": {"country": "AU", "region": "VIC", "postcode": "3000"}}
    return {"cart_id": meanwhile(cart_of(origin))} | (address if tool == "get_shipping_methods" else {})


IMAGES = Path(__file__).parents[3] / "docs" / "images"
DRAWS = "STOREFRONT_DRAW_IMAGES"
"""A variable; with it the pictures of the manual are made anew."""
MAX_PICTURE_BYTES = 60_000
PICTURES = [
    ("search_products", "light"),
    ("get_product", "light"),
    ("view_cart", "dark"),
    ("get_shipping_methods", "light"),
    ("place_order", "light"),
]
SHOWN = {
    "search_products": "Products",
    "get_product": "Club Tee",
    "view_cart": "Cart",
    "get_shipping_methods": "Shipping",
    "place_order": "Waiting for your payment",
    "get_order_status": "Waiting for your payment",
}
"""One tool of each widget, and its heading."""


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("tool", SHOWN)
def test_a_widget_shows_a_result_in_every_host(stage: Stage, opening: Opening, axe: str, tool: str, host: str) -> None:
    chat = opening(stage, host)
    chat.open(tool, arguments_of(tool, stage.shop))
    expect(chat.widget.get_by_role("heading", level=2)).to_have_text(SHOWN[tool])
    expect(chat.widget.get_by_role("button").first).to_be_visible()
    assert findings(chat, axe) == []
    assert chat.heard("sizes", 1)[-1] > 100


@pytest.mark.parametrize("tool", SHOWN)
def test_a_widget_is_read_from_right_to_left_in_the_dark_on_a_narrow_screen(
    arabic: Stage, opening: Opening, axe: str, tool: str
) -> None:
    chat = opening(arabic, width=320)
    chat.open(tool, arguments_of(tool, arabic.shop), context={"theme": "dark"})
    widget = chat.widget
    expect(widget.get_by_role("heading", level=2)).to_be_visible()
    assert findings(chat, axe) == []
    assert widget.evaluate("getComputedStyle(document.body).direction") == "rtl"
    assert widget.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ground = widget.evaluate("getComputedStyle(document.body).backgroundColor")
    chat.page.evaluate("host.change({theme: 'light'})")
    expect(widget.locator(":root")).to_have_attribute("data-theme", "light")
    assert widget.evaluate("getComputedStyle(document.body).backgroundColor") != ground


@pytest.mark.parametrize(("tool", "scheme"), PICTURES)
def test_the_manuals_picture_of_a_widget_is_small(stage: Stage, opening: Opening, tool: str, scheme: str) -> None:
    chat = opening(stage)
    told = chat.open(tool, arguments_of(tool, stage.shop), context={"theme": scheme})
    expect(chat.widget.get_by_role("heading", level=2)).to_be_visible()
    chat.heard("sizes", 1)
    picture = IMAGES / f"widget-{told['widget']}-{scheme}.png"
    if DRAWS in os.environ:
        chat.page.locator("iframe").screenshot(path=picture, scale="css")
    assert 0 < picture.stat().st_size < MAX_PICTURE_BYTES


@pytest.mark.parametrize("version", [None, "2026-07-28"])
def test_a_cart_is_changed_by_keyboard(stage: Stage, opening: Opening, version: str | None) -> None:
    cart = meanwhile(cart_of(stage.shop))
    chat = opening(stage)
    chat.open("view_cart", {"cart_id": cart}, version=version)
    widget = chat.widget
    expect(widget.get_by_role("listitem")).to_have_count(2)
    expect(widget.locator(".totals")).to_contain_text("$92.00")

    chat.press("One more: Club Tee")
    expect(widget.get_by_role("status")).to_contain_text("$117.00")
    # Who pressed a button is still on it, though all was drawn anew.
    expect(widget.get_by_role("button", name="One more: Club Tee")).to_be_focused()
    assert chat.heard("contexts", 1)[0]["structuredContent"]["totals"]["total"]["minor"] == 11700

    chat.press("Remove: Bubbles Junior Paddle")
    expect(widget.get_by_role("listitem")).to_have_count(1)
    chat.reach("Coupon code", "textbox")
    chat.page.keyboard.type("NO-SUCH-COUPON")
    chat.page.keyboard.press("Enter")
    expect(widget.locator("#told.wrong")).to_contain_text("NO-SUCH-COUPON")
    chat.press("Go to shipping")
    expect(widget.get_by_role("status")).to_have_text("Sent to the chat.")
    assert chat.said("messages") == [
        [{"type": "text", "text": "How can my cart be shipped? Please show me the choices."}]
    ]
    assert [call["name"] for call in chat.said("calls")] == [
        "view_cart",
        "update_cart_item",
        "remove_from_cart",
        "apply_coupon",
    ]


def test_a_cart_that_runs_empty_says_so(stage: Stage, opening: Opening) -> None:
    chat = opening(stage)
    chat.open("create_cart", {})
    expect(chat.widget.get_by_text("The cart is empty.")).to_be_visible()


def choose_a_tee(chat: Conversation) -> None:
    """A blue one of the middle size, by keyboard."""
    widget = chat.widget
    chat.press("Add to cart")
    expect(widget.get_by_role("status")).to_have_text("Please choose: Colour")
    expect(widget.get_by_role("group", name="Colour").get_by_role("radio").first).to_be_focused()
    widget.get_by_role("radio", name="Blue").focus()
    chat.page.keyboard.press("Space")
    widget.get_by_role("radio", name="M", exact=True).focus()
    chat.page.keyboard.press("Space")
    expect(widget.get_by_role("radio", checked=True)).to_have_count(2)
    chat.reach("Quantity", "spinbutton")
    chat.page.keyboard.press("ArrowUp")
    chat.press("Add to cart")


def test_a_variant_is_chosen_and_asked_for_by_keyboard(stage: Stage, opening: Opening) -> None:
    chat = opening(stage)
    chat.open("get_product", {"sku": "TEE"})
    choose_a_tee(chat)
    (said,) = chat.heard("messages", 1)
    assert said == [{"type": "text", "text": f"Please put into my cart: 2 {TIMES} Club Tee (TEE-BLUE-M)"}]
    expect(chat.widget.get_by_role("status")).to_have_text("Sent to the chat.")


def test_a_variant_goes_into_a_cart_where_nobody_can_speak(stage: Stage, opening: Opening) -> None:
    chat = opening(stage)
    chat.open("get_product", {"sku": "TEE"}, capabilities=SILENT)
    choose_a_tee(chat)
    expect(chat.widget.get_by_role("status")).to_have_text("Now in the cart: 2. Total: $50.00.")
    assert chat.heard("contexts", 1)[0]["structuredContent"]["cart_id"].startswith("cart_")
    assert [call["name"] for call in chat.said("calls")] == ["get_product", "create_cart", "add_to_cart"]


def test_a_product_is_engraved(stage: Stage, opening: Opening) -> None:
    chat = opening(stage)
    chat.open("get_product", {"sku": "GIFT-STEIN"})
    widget = chat.widget
    for field in widget.get_by_role("textbox").all():
        field.fill("Ada")
    for group in widget.get_by_role("group").all():
        group.get_by_role("radio").or_(group.get_by_role("checkbox")).first.check()
    widget.get_by_role("button", name="Add to cart").click()
    ((said,),) = chat.heard("messages", 1)
    assert "GIFT-STEIN" in said["text"]
    assert "Ada" in said["text"]


def test_details_are_asked_for_in_the_chat(stage: Stage, opening: Opening) -> None:
    chat = opening(stage)
    chat.open("search_products", {"query": "paddle"})
    expect(chat.widget.get_by_role("listitem")).to_have_count(8)
    expect(chat.widget.get_by_text("62 more: ask for them in the chat.")).to_be_visible()
    chat.press("Details Bubbles Junior Paddle")
    ((said,),) = chat.heard("messages", 1)
    assert said["text"].startswith("Please show me Bubbles Junior Paddle (PAD-J4)")


def test_details_are_read_where_nobody_can_speak(stage: Stage, opening: Opening) -> None:
    chat = opening(stage)
    chat.open("get_category", {"category": "apparel"}, capabilities=SILENT)
    heading = chat.widget.get_by_role("heading", level=2)
    before = heading.text_content()
    chat.widget.get_by_role("button", name="Details").first.click()
    expect(heading).not_to_have_text(str(before))
    chat.widget.get_by_role("button", name="Back").click()
    expect(heading).to_have_text(str(before))


def test_nothing_is_offered_that_is_not_open(browsing: Stage, opening: Opening) -> None:
    for capabilities in (None, SILENT):
        chat = opening(browsing)
        chat.open("get_product", {"sku": "PAD-J4"}, capabilities=capabilities)
        expect(chat.widget.get_by_role("heading", level=2)).to_be_visible()
        expect(chat.widget.get_by_role("button")).to_have_count(0)


def test_shipping_is_chosen_by_keyboard(stage: Stage, opening: Opening) -> None:
    chat = opening(stage)
    chat.open("get_shipping_methods", arguments_of("get_shipping_methods", stage.shop))
    chat.press("Ship with this")
    expect(chat.widget.get_by_role("status")).to_have_text("Please choose one.")
    chat.page.keyboard.press("Space")
    chat.page.keyboard.press("ArrowDown")
    chat.press("Ship with this")
    ((said,),) = chat.heard("messages", 1)
    assert said["text"] == "Please ship my cart with Australia Post - Express Post (auspost_express)."


@pytest.mark.parametrize("host", HOSTS)
def test_the_page_to_pay_on_is_opened_by_the_host(stage: Stage, opening: Opening, host: str) -> None:
    order = meanwhile(order_of(stage.shop))
    chat = opening(stage, host)
    chat.open("place_order", order)
    chat.press("Pay at 127.0.0.1")
    (page,) = chat.heard("links", 1)
    assert page.startswith(f"{stage.shop}/pay/")
    expect(chat.widget.get_by_role("status")).to_contain_text("The page is open.")
    assert chat.said("messages") == []


def test_a_widget_looks_again_after_the_page_was_opened(stage: Stage, opening: Opening) -> None:
    order = meanwhile(order_of(stage.shop))
    chat = opening(stage)
    chat.page.clock.install()
    chat.open("place_order", order)
    checkout = meanwhile(prepared_again(stage.shop, order))["checkout_id"]
    chat.press("Pay at 127.0.0.1")
    chat.heard("links", 1)
    meanwhile(cancelled(stage.shop, checkout))
    chat.page.clock.fast_forward(30_000)
    expect(chat.widget.get_by_role("heading", level=2)).to_have_text("Cancelled")
    expect(chat.widget.get_by_role("status")).to_have_text("Cancelled")
    assert [call["name"] for call in chat.said("calls")] == ["place_order", "get_order_status"]


async def prepared_again(origin: str, order: Json) -> Json:
    """The same checkout: the same order is not made twice."""
    async with Agent(origin, "2025-11-25") as agent:
        return value(await agent.call("place_order", **order))


def test_a_person_looks_again_by_a_button(stage: Stage, opening: Opening) -> None:
    checkout = meanwhile(prepared(stage.shop))["checkout_id"]
    chat = opening(stage)
    chat.open("get_order_status", {"checkout_id": checkout})
    meanwhile(cancelled(stage.shop, checkout))
    chat.press("Look again")
    expect(chat.widget.get_by_role("heading", level=2)).to_have_text("Cancelled")
    expect(chat.widget.get_by_role("button")).to_have_count(0)


def money(minor: int) -> Json:
    return {"minor": minor, "currency": "AUD"}


SENT = {
    "checkout_id": "chk_1",
    "status": "completed",
    "next_step": "Done.",
    "totals": {"subtotal": money(2500), "total": money(2500)},
    "order": {
        "number": "100001",
        "status": "Sent",
        "total": money(2600),
        "parcels": [
            {
                "sent_at": "2026-11-20T10:00:00Z",
                "items": [{"name": "Club Tee", "quantity": 1}],
                "tracks": [
                    {"carrier": "Post", "number": "T1", "url": "https://track.example/T1"},
                    {"carrier": "Bike", "number": "T2", "url": "javascript:alert(1)"},
                ],
            }
        ],
        "unsent": [{"name": "Paddle", "quantity": 2}],
        "comments": ["Thank you!"],
        "refunded": money(100),
        "due": money(500),
    },
    "payment": {"method": "Bank transfer", "instructions": "BSB 000-000"},
}


def test_an_order_is_told_with_its_parcels(stage: Stage, opening: Opening, axe: str) -> None:
    chat = opening(stage)
    chat.open("get_order_status", result={"content": [], "structuredContent": SENT})
    told = chat.widget.locator("main")
    for text in (
        "Ordered",
        "100001",
        f"1 {TIMES} Club Tee",
        f"2 {TIMES} Paddle",
        "Thank you!",
        "$1.00",
        "$5.00",
        "BSB 000-000",
        "T2",
    ):
        expect(told).to_contain_text(text)
    expect(chat.widget.locator(".totals")).to_contain_text("$26.00")
    assert findings(chat, axe) == []
    chat.press("Track T1")
    assert chat.heard("links", 1) == ["https://track.example/T1"]
    expect(chat.widget.get_by_role("button")).to_have_count(1)


def test_a_page_of_somebody_else_is_no_page_to_pay_on(stage: Stage, opening: Opening) -> None:
    for page in (f"{stage.shop}.evil.example/pay", "javascript:alert(1)", "https://evil.example/"):
        chat = opening(stage)
        waiting = {**SENT, "status": "requires_escalation", "continue_url": page, "order": None}
        chat.open("place_order", result={"content": [], "structuredContent": waiting})
        expect(chat.widget.get_by_role("heading", level=2)).to_be_visible()
        expect(chat.widget.get_by_role("button", name="Pay at")).to_have_count(0)


def test_a_host_that_opens_no_page_is_told_the_address(stage: Stage, opening: Opening) -> None:
    page = f"{stage.shop}/pay/abc"
    chat = opening(stage)
    waiting = {**SENT, "status": "requires_escalation", "continue_url": page, "last_payment": "declined"}
    chat.open("place_order", result={"content": [], "structuredContent": waiting}, capabilities={})
    expect(chat.widget.locator("main")).to_contain_text(page)
    expect(chat.widget.locator("main")).to_contain_text("declined")
    expect(chat.widget.get_by_role("button")).to_have_count(0)


MARKUP = '<img src="https://evil.example/x" onerror="alert(1)"><b>Brine</b>'


def test_a_product_that_is_called_like_markup_is_shown_as_text(stage: Stage, opening: Opening) -> None:
    line = {"line_id": MARKUP, "sku": "X", "name": MARKUP, "quantity": 1, "price": money(1), "total": money(1)}
    cart = {"cart_id": "c", "lines": [line], "totals": {"subtotal": money(1), "total": money(1)}, "notice": MARKUP}
    product = {"sku": "X", "name": MARKUP, "price": money(1), "brand": MARKUP, "description": MARKUP}
    found = {"products": [product], "total": 1}
    method = {"code": "x", "title": MARKUP, "price": money(1)}
    for tool, value_ in (
        ("view_cart", cart),
        ("get_product", product | {"axes": [{"label": MARKUP, "values": [MARKUP]}]}),
        ("search_products", found),
        ("get_shipping_methods", {"methods": [method], "notice": MARKUP}),
        ("get_order_status", {**SENT, "notice": MARKUP}),
    ):
        chat = opening(stage)
        chat.open(tool, result={"content": [], "structuredContent": value_})
        expect(chat.widget.locator("main")).to_contain_text(MARKUP)
        assert chat.widget.locator("img, b").count() == 0


@pytest.mark.parametrize("tool", SHOWN)
@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"content": [{"type": "text", "text": "The cart is gone."}], "isError": True}, "The cart is gone."),
        ({"content": [{"type": "text", "text": "Plain words."}]}, "Plain words."),
        ({"content": [{"type": "text", "text": "Cut."}], "structuredContent": {"lines": 3, "products": 4}}, "Cut."),
        ({"content": []}, "There is nothing to show."),
    ],
    ids=["refused", "text", "cut", "nothing"],
)
def test_what_a_widget_cannot_draw_it_says(stage: Stage, opening: Opening, tool: str, result: Json, told: str) -> None:
    chat = opening(stage)
    chat.open(tool, result=result)
    expect(chat.widget.get_by_role("status")).to_contain_text(told)


def test_a_cancelled_call_and_the_end_are_taken_note_of(stage: Stage, opening: Opening) -> None:
    chat = opening(stage)
    chat.open("view_cart", cancelled=True)
    expect(chat.widget.get_by_role("status")).to_have_text("That was cancelled.")
    assert chat.page.evaluate("host.end()") == {}


OWN_INTERFACE = """<script>
const cart = {cart};
window.requests = [];
window.openai = {{
  theme: "dark",
  toolOutput: cart,
  callTool: async (name) => (requests.push(name), {{ structuredContent: {{ ...cart, lines: cart.lines.slice(1) }} }}),
  openExternal: async ({{ href }}) => void requests.push(href),
  sendFollowUpMessage: async ({{ prompt }}) => void requests.push(prompt),
}};
</script>
<main"""
"""What a chat host puts into the frame that does not answer by the standard."""


def test_a_chat_host_with_an_interface_of_its_own_is_served_too(stage: Stage, opening: Opening) -> None:
    cart = meanwhile(cart_of(stage.shop))
    chat = opening(stage)
    told = chat.open("view_cart", {"cart_id": cart})
    own = OWN_INTERFACE.format(cart=json.dumps(told["result"]["structuredContent"]))
    page = chat.page.context.new_page()
    page.clock.install()
    page.set_content("<iframe></iframe>")
    page.locator("iframe").evaluate("(frame, html) => { frame.srcdoc = html }", told["html"].replace("<main", own))
    widget = page.frame_locator("iframe")
    expect(widget.get_by_role("status")).to_have_text("One moment …")
    page.clock.fast_forward(1_500)
    expect(widget.get_by_role("heading", level=2)).to_have_text("Cart")
    expect(widget.locator("html")).to_have_attribute("data-theme", "dark")
    widget.get_by_label("Coupon code").fill("TYPED")
    page.frames[-1].evaluate("window.openai.theme = 'light'; dispatchEvent(new Event('openai:set_globals'))")
    expect(widget.locator("html")).to_have_attribute("data-theme", "light")
    # Nothing that was begun is lost because something else has changed.
    expect(widget.get_by_label("Coupon code")).to_have_value("TYPED")
    widget.get_by_role("button", name="Go to shipping").click()
    expect(widget.get_by_role("status")).to_have_text("Sent to the chat.")
    widget.get_by_role("button", name="Remove: Club Tee").click()
    expect(widget.get_by_role("listitem")).to_have_count(1)
    asked = page.frames[-1].evaluate("requests")
    assert asked == ["How can my cart be shipped? Please show me the choices.", "remove_from_cart"]
