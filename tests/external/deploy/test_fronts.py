"""Everything that works without a proxy works behind nginx and Caddy, on an origin of our own and on the shop's."""

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from storefront_mcp.cards import CARDS
from tests.external.deploy.conftest import Placed
from tests.external.deploy.proxies import SHOP
from tests.fakes.agent import HANDSHAKE, VERSIONS, Agent, value
from tests.fakes.buyer import Buyer
from tests.fakes.sse_agent import SseAgent
from tests.journeys.conftest import flip
from tests.journeys.test_a_guest_orders import until_ended, wish
from tests.journeys.test_a_listening_client_hears_of_flips import listening, next_of

pytestmark = pytest.mark.slow

TRANSPORTS = [*VERSIONS, *(f"{version} over SSE" for version in HANDSHAKE)]
SAME = ("content-type", "cache-control", "etag", "vary", "access-control-allow-origin", "content-encoding", "link")
ONCE = ("x-content-type-options", "x-frame-options", "content-security-policy", "referrer-policy")
DISCOVERY = [path for card in CARDS if card.group == "discovery" for path in card.paths]
MEBIBYTE = 1 << 20


@pytest.fixture(params=TRANSPORTS)
async def agent(request: pytest.FixtureRequest, origin: str) -> AsyncIterator[Agent]:
    """An agent of each version and transport."""
    version, _, transport = request.param.partition(" over ")
    async with (SseAgent if transport else Agent)(origin, version) as shopping:
        yield shopping


def fetched(address: str, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """An answer and its body as it came over the wire."""
    with (
        httpx.Client(headers={"accept-encoding": "identity", **headers}, timeout=120) as client,
        client.stream("GET", address + path) as answer,
    ):
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_every_document_is_what_the_server_says_byte_for_byte(placed: Placed, encoding: str) -> None:
    seen = zipped = 0
    for path in DISCOVERY:
        ours, body = fetched(placed.direct, path, **{"accept-encoding": encoding})
        answer, through = fetched(placed.front.origin, path, **{"accept-encoding": encoding})
        assert answer.status_code == ours.status_code, path
        assert through == body, path
        assert {name: answer.headers.get_list(name) for name in SAME} == {
            name: ours.headers.get_list(name) for name in SAME
        }, path
        if answer.status_code == 404:
            assert answer.headers["content-type"] == "application/problem+json", path
            continue
        seen += 1
        zipped += answer.headers.get("content-encoding") == "gzip"
        again, nothing = fetched(
            placed.front.origin, path, **{"accept-encoding": encoding, "if-none-match": answer.headers["etag"]}
        )
        assert (again.status_code, nothing) == (304, b""), path
        assert again.headers["etag"] == answer.headers["etag"]
    assert seen >= 20
    assert (zipped > 10) is (encoding == "gzip")


def test_a_zipped_document_unpacks_to_the_plain_one(placed: Placed) -> None:
    path = "/.well-known/mcp/server-card.json"
    _, plain = fetched(placed.front.origin, path)
    answer, zipped = fetched(placed.front.origin, path, **{"accept-encoding": "gzip"})
    assert gzip.decompress(zipped) == plain
    assert answer.headers["etag"].endswith('-gz"')
    assert json.loads(plain)["endpoint"] == f"{placed.front.origin}/mcp"


def test_head_and_options_come_through(origin: str) -> None:
    path = "/.well-known/mcp/server-card.json"
    with httpx.Client(base_url=origin, headers={"accept-encoding": "identity"}) as client:
        assert client.head(path).headers["content-length"] == str(len(client.get(path).content))
        asked = client.options(path, headers={"origin": "https://elsewhere.example"})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, "*")
        refused = client.put(path)
        assert (refused.status_code, refused.headers["content-type"]) == (405, "application/problem+json")


def test_each_security_header_is_there_once(placed: Placed) -> None:
    for path in ("/.well-known/mcp.json", "/mcp/docs", "/pay/nobody"):
        answer = httpx.get(placed.front.origin + path)
        ours = httpx.get(placed.direct + path)
        for name in (*ONCE, "strict-transport-security"):
            if name in ONCE or placed.front.layout == "same-origin":
                assert answer.headers.get_list(name) == ours.headers.get_list(name), (path, name)


def test_what_is_not_ours_stays_the_shops_own(placed: Placed) -> None:
    for path in ("/", "/robots.txt", "/cart", "/llms.txt", "/.well-known/acme-challenge/token"):
        answer, ours = (httpx.get(address + path) for address in (placed.front.origin, placed.direct))
        if placed.front.layout == "subdomain":
            assert (answer.status_code, answer.content) == (ours.status_code, ours.content), path
        elif path.startswith("/.well-known/") and placed.front.proxy == "nginx":
            # This shop refuses what begins with a dot.
            assert answer.status_code == 403, path
        else:
            assert answer.text == SHOP, path


def test_numbers_are_not_for_the_world(placed: Placed) -> None:
    answer = httpx.get(f"{placed.front.origin}/metrics")
    assert answer.status_code == 404 or answer.text == SHOP


async def test_an_order_goes_from_search_to_paid_over_every_transport(agent: Agent, placed: Placed) -> None:
    order = await wish(agent)
    prepared = value(await agent.call("place_order", **order))
    pays_at = prepared["continue_url"]
    assert pays_at.startswith(f"{placed.front.origin}/pay/")
    async with Buyer() as buyer:
        assert "Club Tee" in await buyer.sees(pays_at)
        await buyer.pays(pays_at)
        done = await until_ended(agent, prepared["checkout_id"])
        assert done["status"] == "completed"
        assert done["order"]["number"] in await buyer.sees(pays_at)
    assert pays_at.rpartition("/")[2] not in placed.front.logged()


def test_the_page_of_a_cart_comes_through(origin: str) -> None:
    """On the shop's own origin, too, where everything else below /cart/ is the shop's."""
    platform = {"ucp-agent": f'profile="{origin}/.well-known/ucp"'}
    made = httpx.post(
        f"{origin}/ucp/carts", json={"line_items": [{"item": {"id": "PAD-2"}, "quantity": 1}]}, headers=platform
    )
    assert made.status_code == 201, made.text
    page = httpx.get(made.json()["continue_url"])
    assert (page.status_code, "Gherkin Pro" in page.text) == (200, True)


async def test_a_listener_hears_of_a_flip_while_its_stream_is_open(placed: Placed) -> None:
    async with listening(placed.front.origin, "promptsListChanged") as heard:
        for status in ("paused", "active"):
            flip(placed.settings, {"p3_checkout": status, "p2_cart": status})
            assert await next_of(heard) == "notifications/prompts/list_changed"


async def test_a_stream_that_its_reader_leaves_is_left_by_the_server_too(placed: Placed) -> None:
    """Or streams would pile up behind the proxy until none can be opened."""
    for _ in range(60):  # 50 may be open at once from one address
        async with SseAgent(placed.front.origin, HANDSHAKE[0]):
            pass


def test_private_pages_are_kept_by_nobody(origin: str) -> None:
    answer = httpx.get(f"{origin}/pay/nobody")
    assert answer.status_code == 404
    assert "text/html" in answer.headers["content-type"]
    assert "order" in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_a_providers_word_reaches_the_webhook(origin: str) -> None:
    answer = httpx.post(f"{origin}/webhooks/nobody", json={})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_as_large_as_the_server_takes_comes_through_and_no_larger_one(placed: Placed) -> None:
    # Caddy passes a body on while it comes, and may find our end closed after we refused it.
    refusals = {413} if placed.front.proxy == "nginx" else {413, 502}
    ping = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    with httpx.Client(base_url=placed.front.origin, headers=headers, timeout=120) as client:
        assert client.post("/mcp", content=ping.ljust(MEBIBYTE)).json()["id"] == 1
        assert client.post("/mcp", content=ping.ljust(MEBIBYTE + 1)).status_code in refusals
        assert client.post("/mcp", content=iter([ping, b" " * MEBIBYTE])).status_code in refusals
        assert client.post("/mcp", content=ping).json()["id"] == 1


def test_a_slow_body_keeps_nobody_waiting(placed: Placed) -> None:
    """nginx and Caddy wait for it, not the server: others are answered meanwhile, and it is answered at its end."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    host, port = placed.front.origin.removeprefix("http://").split(":")
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection((host, int(port)), timeout=120)) for _ in range(20)]
        for connection in slow:
            connection.sendall(head.encode() + body[:5])
        assert httpx.get(f"{placed.front.origin}/.well-known/mcp.json", timeout=120).status_code == 200
        for connection in slow:
            connection.sendall(body[5:])
        for connection in slow:
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))  # noqa: B023 -- used up at once
            assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
            assert b"search_products" in answer


async def test_idle_connections_to_the_server_are_used_again_and_many_at_once_are_served(origin: str) -> None:
    async with httpx.AsyncClient(base_url=origin, timeout=120) as client:
        for _ in range(3):
            answers = await asyncio.gather(*(client.get("/.well-known/mcp.json") for _ in range(60)))
            assert {answer.status_code for answer in answers} == {200}
