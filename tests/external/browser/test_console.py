"""The operator's console, in a real Chromium: with and without scripts, light and dark, on a desk and on a phone."""

import asyncio
import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from storefront_mcp.database.usage import SqlUsageRepository
from storefront_mcp.records.usage import DurationSummary, UsageRow
from tests.external.browser.conftest import SCHEMES, Opening, violations
from tests.fakes.agent import VERSIONS, Agent
from tests.unit.console.environment import PICKLE, Stage, meanwhile, staged

pytestmark = pytest.mark.browser
TABS = ("roadmap", "checkouts", "keys", "audit", "cards", "connect", "health", "traffic")
DESK = 1200
IMAGES = Path(__file__).parents[3] / "docs" / "images"
DRAWS = "STOREFRONT_DRAW_IMAGES"
"""Set it to have the pictures of the manual drawn anew."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("console")) as stage:
        yield stage


async def tools(origin: str) -> list[str]:
    async with Agent(origin, VERSIONS[-1]) as agent:
        answer = await agent.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
        return await agent.tools() if answer.status_code != 503 else []


def enter(stage: Stage, opening: Opening, **how: Any) -> Page:
    """A window of somebody who came by a link."""
    window = opening(stage.link(), **{"width": DESK, **how})
    window.get_by_role("button", name="Open the console").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("Roadmap")
    return window


def flip(window: Page, name: str) -> None:
    window.get_by_role("navigation", name="Console").get_by_role("link", name="Roadmap").click()
    window.get_by_role("link", name=name).click()
    expect(window.get_by_text("Nothing has happened yet.")).to_be_visible()
    window.get_by_role("button", name="now").click()
    expect(window.get_by_role("status")).to_contain_text("is on record")


@pytest.mark.parametrize("scripts", [False, True])
def test_somebody_signs_in_with_a_key_and_out_again(stage: Stage, opening: Opening, scripts: bool) -> None:
    key = stage.key(label="Ada")
    window = opening(f"{stage.origin}/operator/sign-in", scripts=scripts)
    window.get_by_label("API key").fill(key[:-1] + ("a" if key[-1] != "a" else "b"))
    window.get_by_role("button", name="Sign in").click()
    expect(window.get_by_role("alert")).to_contain_text("This key does not open the console")
    window.get_by_label("API key").fill(key)
    window.get_by_role("button", name="Sign in").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("Roadmap")
    window.get_by_role("button", name="Sign out").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("Sign in")
    window.goto(f"{stage.origin}/operator/keys")
    expect(window.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_flip_is_looked_at_done_and_seen_by_an_agent(stage: Stage, opening: Opening) -> None:
    """Read the roadmap, open phases 1 and 2, close the second: an agent's tools/list changes each time."""
    window = enter(stage, opening, scripts=True)
    browse = window.get_by_role("region", name="1 Browse", exact=True)
    expect(browse).to_contain_text("planned")
    assert meanwhile(tools(stage.origin)) == []

    window.get_by_role("link", name="Open … Cart").click()
    expect(window.get_by_role("region", name="This cannot be done now")).to_contain_text("requires p1_browse")
    window.get_by_role("link", name="Open Browse at the same moment").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("Open Browse and open Cart?")
    expect(window.get_by_role("region", name="What agents can call")).to_contain_text("add_to_cart")
    window.get_by_text("server-card.json", exact=False).first.click()
    assert meanwhile(tools(stage.origin)) == [], "a look changes nothing"
    window.get_by_role("button", name="Open Browse and open Cart now").click()
    expect(window.get_by_role("status")).to_contain_text("Agents now see", timeout=20_000)
    assert {"search_products", "add_to_cart"} <= set(meanwhile(tools(stage.origin)))
    expect(window.get_by_role("region", name="2 Cart", exact=True)).to_contain_text("planned → active by ada")

    flip(window, "Pause … Cart")
    expect(window.get_by_role("status")).to_contain_text("Agents now see", timeout=20_000)
    listed = meanwhile(tools(stage.origin))
    assert "search_products" in listed
    assert "add_to_cart" not in listed


def test_a_key_is_minted_used_and_revoked(stage: Stage, opening: Opening) -> None:
    window = enter(stage, opening, scripts=False)
    window.get_by_role("link", name="Keys").click()
    if window.locator("#mint").get_attribute("open") is None:
        window.get_by_text("Mint a key", exact=True).click()
    window.get_by_label("What it is for").fill("order desk")
    window.get_by_role("checkbox", name="mint, list and revoke API keys").check()
    window.get_by_role("button", name="Mint the key").click()
    token = window.locator("#secret").inner_text()
    headers = {"authorization": f"Bearer {token}"}
    assert httpx.get(f"{stage.origin}/mcp/token", headers=headers).status_code == 200

    window.get_by_role("link", name="Keys").click()
    expect(window.locator("#secret")).to_have_count(0)
    row = window.get_by_role("row", name="order desk")
    row.locator("summary").last.click()
    row.get_by_role("button", name="Revoke for good").click()
    expect(window.get_by_role("status").first).to_contain_text("is revoked")
    expect(window.get_by_role("row", name="order desk")).to_have_count(0)
    window.get_by_role("checkbox", name="void ones too").check()
    window.get_by_role("button", name="Look", exact=True).click()
    expect(window.get_by_role("row", name="order desk")).to_contain_text("revoked")
    window.wait_for_timeout(1000)
    assert httpx.get(f"{stage.origin}/mcp/token", headers=headers).status_code == 401


def test_a_stuck_checkout_is_resolved(stage: Stage, opening: Opening) -> None:
    stage.stuck("chk_stuck")
    window = enter(stage, opening, scripts=False)
    window.get_by_role("link", name="Checkouts").click()
    stuck = window.get_by_role("region", name="chk_stuck")
    expect(stuck).to_contain_text("$558.00")
    stuck.get_by_role("button", name="No order: it is refunded").click()
    expect(window.get_by_role("main")).to_contain_text("What will happen: The checkout ends as failed.")
    window.get_by_role("button", name="Yes, do it").click()
    expect(window.get_by_role("status")).to_contain_text("chk_stuck is failed now")
    expect(window.get_by_role("region", name="Finished").first).to_contain_text("chk_stuck")
    expect(window.get_by_text("Nothing waits for you.")).to_be_visible()


def test_the_audit_is_filtered_verified_and_taken_away(stage: Stage, opening: Opening) -> None:
    window = enter(stage, opening, scripts=True)
    window.get_by_role("link", name="Audit").click()
    window.get_by_label("Says").fill("console.signed_in")
    expect(window.get_by_role("status")).to_contain_text("entr")
    expect(window.locator("tbody tr").first).to_contain_text("console.signed_in")
    window.get_by_role("button", name="Verify the chain").click()
    expect(window.get_by_role("status").first).to_contain_text("entries are as they were written")
    with window.expect_download() as saving:
        window.get_by_role("button", name="Export").click()
    lines = [json.loads(line) for line in Path(saving.value.path()).read_text().splitlines()]
    assert lines[-1]["subject"] == "audit.exported"
    assert lines[-1]["who"] == {"kind": "operator", "id": "ada"}
    assert saving.value.suggested_filename.startswith("audit-pickle-")


def test_a_snippet_is_copied_with_a_button(stage: Stage, opening: Opening) -> None:
    window = enter(stage, opening, scripts=True)
    window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    window.get_by_role("link", name="Connect").click()
    window.get_by_role("button", name="Copy the snippet for Cursor").click()
    expect(window.get_by_role("button", name="Copied")).to_be_visible()
    copied = window.evaluate("navigator.clipboard.readText()")
    assert json.loads(copied)["mcpServers"]["pickle-warehouse"]["url"] == f"{stage.origin}/mcp"


def test_the_keyboard_reaches_everything_and_shows_where_it_is(stage: Stage, opening: Opening) -> None:
    window = enter(stage, opening)
    window.keyboard.press("Tab")
    expect(window.get_by_role("link", name="Skip to content")).to_be_focused()
    for _ in range(3):
        window.keyboard.press("Tab")
    focused = window.locator(":focus")
    assert focused.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A console with something on every page."""
    with staged(tmp_path_factory.mktemp("lively")) as stage:
        with stage.browser().sign_in(label="Ada Lovelace") as ada:
            for changes in ({"p1_browse": "active", "p2_cart": "active"}, {"p2_cart": "paused"}, {"p2_cart": "active"}):
                seen = ada.get("/roadmap/flip", params=changes)
                version = seen.text.split('name="seen" value="')[1].split('"')[0]
                assert ada.send("/roadmap/flip", {"seen": version, **changes}).status_code == 303
        stage.key("read:orders", "write:orders", label="Order desk")
        stage.key("read:analytics", label="Reports", days=-1)
        stage.stuck("chk_7Q2m")
        for number in range(3):
            stage.stuck(f"chk_p{number}", state="placed", order_number=f"10000004{number}", ended_at=time.time())
        stage.stuck("chk_gone", state="expired", reason="The time to pay has passed.", ended_at=time.time())
        stage.stuck("chk_open", state="open")
        meanwhile(shopping(stage.origin))
        SqlUsageRepository(stage.database).add(PICKLE, list(yesterday()))
        yield stage


def yesterday() -> Iterator[UsageRow]:
    """A day of traffic: quiet in the night, and a shop that stumbled in the afternoon."""
    now = int(time.time()) // 60
    parts = (("search_products", 9), ("get_product", 6), ("create_cart", 3), ("add_to_cart", 3), ("place_order", 1))
    for back in range(30, 1_440, 30):
        busy = 1.15 + math.sin((back + 200) / 230)
        for tool, share in parts:
            for client, part in (("claude 2.1", 5), ("chatgpt", 3), ("cursor 0.48", 1)):
                count = round(busy * share * part / 2)
                within = (count // 2, count - count // 2, 0, 0, 0)
                total = DurationSummary(count, count * 0.03, 0.09, within)
                yield UsageRow(minute=now - back, kind="tool", name=tool, client=client, sum=total)
        if 300 < back < 400:
            slow = DurationSummary(4, 8.4, 2.4, (0, 0, 0, 2, 2))
            yield UsageRow(
                minute=now - back,
                kind="tool",
                name="add_to_cart",
                client="chatgpt",
                outcome="shop_unavailable",
                sum=slow,
            )
        asked = DurationSummary(20, 1.6, 0.4, (0, 15, 5, 0, 0))
        for operation in ("GET /products", "GET /products/{id}", "POST /guest-carts/{id}/items"):
            yield UsageRow(minute=now - back, kind="shop", name=operation, sum=asked)


async def shopping(origin: str) -> None:
    """Agents who find something, and one who does not."""
    for _ in range(50):
        if "add_to_cart" in await tools(origin):
            break
        await asyncio.sleep(0.1)
    async with Agent(origin, VERSIONS[-2]) as agent:
        for words in ("paddle", "pickle", "snorkel", "snorkel", "wetsuit", "balls"):
            await agent.call("search_products", query=words)
        cart = json.loads((await agent.call("create_cart"))["content"][0]["text"])["cart_id"]
        await agent.call("get_product", sku="PAD-2")
        await agent.call("add_to_cart", cart_id=cart, sku="PAD-2", quantity=2)
        await agent.call("add_to_cart", cart_id=cart, sku="NO-SUCH", quantity=2)
        await agent.call("view_cart", cart_id=cart)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_the_doctor_found_is_accessible(lively: Stage, opening: Opening, axe: str, scheme: str) -> None:
    window = enter(lively, opening, scheme=scheme, scripts=True)
    window.get_by_role("link", name="Health").click()
    window.get_by_role("button", name="Examine the store").click(timeout=60_000)
    expect(window.get_by_role("heading", level=1)).to_have_text("What the doctor found", timeout=60_000)
    assert violations(window, axe) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("tab", [*TABS, "sign-in", "flip", "card", "refusal"])
def test_every_page_is_accessible_fits_and_looks_like_one_product(
    lively: Stage, opening: Opening, axe: str, tab: str, scheme: str
) -> None:
    at = {
        "flip": "/roadmap/flip?p3_checkout=active",
        "card": "/cards/one?name=server-card",
        "refusal": "/cards/one?name=nothing",
    }
    if tab == "sign-in":
        window = opening(f"{lively.origin}/operator/sign-in", scheme=scheme, scripts=True, width=DESK)
    else:
        window = enter(lively, opening, scheme=scheme, scripts=True)
        window.goto(f"{lively.origin}/operator{at.get(tab, f'/{tab}')}")
    assert violations(window, axe) == []
    if DRAWS in os.environ and tab != "refusal":
        IMAGES.mkdir(exist_ok=True)
        window.set_viewport_size({"width": DESK, "height": 900})
        window.screenshot(path=IMAGES / f"console-{tab}-{scheme}.png", scale="css")
    window.set_viewport_size({"width": 320, "height": 700})
    assert window.evaluate("document.documentElement.scrollWidth") <= 320
