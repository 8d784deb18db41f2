"""The shop's own pages: republished, kept for a while, and honest when the shop is down."""

import asyncio

import pytest

from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.web.shop_pages import PAGE_TTL_SECONDS
from tests.fakes.memory_backend import OPEN, roadmap
from tests.unit.web.serving import ServedStore


@pytest.fixture
def served_store() -> ServedStore:
    return ServedStore()


async def test_a_page_is_html_or_markdown_as_the_reader_likes(served_store: ServedStore) -> None:
    html = await served_store.ask("GET", "/shipping")
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Shipping</h1><p>Fast.</p>" in html.text
    markdown = await served_store.ask("GET", "/shipping", {"accept": "text/markdown"})
    suffixed = await served_store.ask("GET", "/shipping.md", {"accept": "text/html"})
    assert markdown.text == suffixed.text == "# Shipping\nFast."
    assert suffixed.headers["content-type"] == "text/markdown; charset=utf-8"
    assert suffixed.headers["link"] == '<https://pickle.example/shipping>; rel="canonical"'
    assert html.headers["vary"] == "Accept-Encoding, Accept"
    assert served_store.memory_backend.asked == ["page"]


async def test_a_page_obeys_the_rules_of_documents(served_store: ServedStore) -> None:
    got = await served_store.ask("GET", "/shipping")
    again = await served_store.ask("GET", "/shipping", {"if-none-match": got.headers["etag"]})
    head = await served_store.ask("HEAD", "/shipping")
    assert (again.status_code, head.content) == (304, b"")
    assert dict(head.headers) == dict(got.headers)
    assert (await served_store.ask("OPTIONS", "/shipping")).status_code == 204
    assert (await served_store.ask("POST", "/shipping")).status_code == 405
    assert (await served_store.ask("GET", "/shipping", {"accept-encoding": "gzip"})).headers[
        "content-encoding"
    ] == "gzip"
    assert got.headers["access-control-allow-origin"] == "*"


async def test_a_page_is_asked_for_again_when_it_is_stale_or_the_roadmap_changed(served_store: ServedStore) -> None:
    await served_store.ask("GET", "/shipping")
    served_store.ticker.now = PAGE_TTL_SECONDS - 1
    await served_store.ask("GET", "/shipping")
    assert len(served_store.memory_backend.asked) == 1
    served_store.ticker.now = PAGE_TTL_SECONDS
    await served_store.ask("GET", "/shipping")
    assert len(served_store.memory_backend.asked) == 2
    assert "open=True" in (await served_store.ask("GET", "/shipping")).text
    served_store.site.publish(roadmap())
    assert "open=False" in (await served_store.ask("GET", "/shipping")).text
    assert len(served_store.memory_backend.asked) == 3


async def test_many_readers_cost_the_shop_one_question(served_store: ServedStore) -> None:
    answers = await asyncio.gather(*(served_store.ask("GET", "/shipping") for _ in range(9)))
    assert {answer.status_code for answer in answers} == {200}
    assert served_store.memory_backend.asked == ["page"]


async def test_a_shop_that_is_down_is_a_503_that_says_when_to_come_back(served_store: ServedStore) -> None:
    served_store.memory_backend.down = ShopDown(internal="connect to 10.0.0.9 timed out")
    response = await served_store.ask("GET", "/shipping")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "60"
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert "10.0.0.9" not in response.text
    served_store.memory_backend.down = None
    assert (await served_store.ask("GET", "/shipping")).status_code == 200


async def test_a_page_that_was_read_outlives_the_shop_for_a_while(served_store: ServedStore) -> None:
    await served_store.ask("GET", "/shipping")
    served_store.memory_backend.down = ShopDown()
    assert (await served_store.ask("GET", "/shipping")).status_code == 200


@pytest.mark.parametrize("path", ["/returns", "/returns.md", "/privacy", "/shipping.html", "/shipping.md.md"])
async def test_a_page_that_the_shop_or_the_settings_lack_is_a_404(path: str) -> None:
    served_store = ServedStore(OPEN)
    response = await served_store.ask("GET", path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
