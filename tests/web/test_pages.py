"""The shop's own pages: republished, kept for a while, and honest when the shop is down."""

import asyncio

import pytest

from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.web.pages import FRESH
from tests.shelf import OPEN, roadmap
from tests.web.serving import House


@pytest.fixture
def house() -> House:
    return House()


async def test_a_page_is_html_or_markdown_as_the_reader_likes(house: House) -> None:
    html = await house.ask("GET", "/shipping")
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Shipping</h1><p>Fast.</p>" in html.text
    markdown = await house.ask("GET", "/shipping", {"accept": "text/markdown"})
    suffixed = await house.ask("GET", "/shipping.md", {"accept": "text/html"})
    assert markdown.text == suffixed.text == "# Shipping\nFast."
    assert suffixed.headers["content-type"] == "text/markdown; charset=utf-8"
    assert html.headers["vary"] == "Accept-Encoding, Accept"
    assert house.shelf.asked == ["page"]


async def test_a_page_obeys_the_rules_of_documents(house: House) -> None:
    got = await house.ask("GET", "/shipping")
    again = await house.ask("GET", "/shipping", {"if-none-match": got.headers["etag"]})
    head = await house.ask("HEAD", "/shipping")
    assert (again.status_code, head.content) == (304, b"")
    assert dict(head.headers) == dict(got.headers)
    assert (await house.ask("OPTIONS", "/shipping")).status_code == 204
    assert (await house.ask("POST", "/shipping")).status_code == 405
    assert (await house.ask("GET", "/shipping", {"accept-encoding": "gzip"})).headers["content-encoding"] == "gzip"
    assert got.headers["access-control-allow-origin"] == "*"


async def test_a_page_is_asked_for_again_when_it_is_stale_or_the_roadmap_changed(house: House) -> None:
    await house.ask("GET", "/shipping")
    house.ticker.now = FRESH - 1
    await house.ask("GET", "/shipping")
    assert len(house.shelf.asked) == 1
    house.ticker.now = FRESH
    await house.ask("GET", "/shipping")
    assert len(house.shelf.asked) == 2
    assert "open=True" in (await house.ask("GET", "/shipping")).text
    house.site.show(roadmap())
    assert "open=False" in (await house.ask("GET", "/shipping")).text
    assert len(house.shelf.asked) == 3


async def test_many_readers_cost_the_shop_one_question(house: House) -> None:
    answers = await asyncio.gather(*(house.ask("GET", "/shipping") for _ in range(9)))
    assert {answer.status_code for answer in answers} == {200}
    assert house.shelf.asked == ["page"]


async def test_a_shop_that_is_down_is_a_503_that_says_when_to_come_back(house: House) -> None:
    house.shelf.down = ShopDown(internal="connect to 10.0.0.9 timed out")
    response = await house.ask("GET", "/shipping")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "60"
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert "10.0.0.9" not in response.text
    house.shelf.down = None
    assert (await house.ask("GET", "/shipping")).status_code == 200


async def test_a_page_that_was_read_outlives_the_shop_for_a_while(house: House) -> None:
    await house.ask("GET", "/shipping")
    house.shelf.down = ShopDown()
    assert (await house.ask("GET", "/shipping")).status_code == 200


@pytest.mark.parametrize("path", ["/returns", "/returns.md", "/privacy", "/shipping.html", "/shipping.md.md"])
async def test_a_page_that_the_shop_or_the_settings_lack_is_a_404(path: str) -> None:
    house = House(OPEN)
    response = await house.ask("GET", path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
