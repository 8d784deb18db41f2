"""What one address may ask of anything but a tool: each request is counted once, before anything is looked up."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from litestar import Litestar
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.mcp.versions import HANDSHAKE_VERSIONS
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.limits import LimitSettings
from storefront_mcp.settings.sign_in import SignInSettings
from storefront_mcp.settings.storage import PrivacySettings
from storefront_mcp.settings.telemetry import MetricsSettings
from tests.journeys.conftest import flip
from tests.unit.mcp.requests import NEWEST, VERSIONS, asked, message

pytestmark = pytest.mark.slow

HOST = "127.0.0.1:8000"
STRANGER, OTHER = "203.0.113.7", "198.51.100.8"
BURST = 4
ROUTES = {
    "a card": ("GET", "/.well-known/mcp/server-card.json"),
    "nothing": ("GET", "/no/such/page"),
    "the landing page": ("GET", "/"),
    "a payment page": ("GET", "/pay/nobody"),
    "the sandbox": ("GET", "/sandbox/nobody"),
    "a webhook": ("POST", "/webhooks/sandbox"),
    "the console": ("GET", "/operator/sign-in"),
    "a file of the console": ("GET", "/operator/static/console.css"),
    "keys": ("GET", "/mcp/token"),
    "numbers": ("GET", "/metrics"),
    "client settings": ("GET", "/mcp/config"),
    "the older transport": ("POST", "/mcp/sse/message"),
    "the endpoint": ("GET", "/mcp"),
    "a preflight": ("OPTIONS", "/mcp"),
    "media": ("GET", "/media/none.png"),
}


@pytest.fixture
def app(tmp_path: Path) -> Litestar:
    """The demo with a tight limit on requests, and on calls of guests."""
    return _served(tmp_path, address=f"1/h burst {BURST}")


def _served(folder: Path, *, opened: bool = True, origin: str = f"http://{HOST}", **limits: str) -> Litestar:
    settings = demo_settings(8000, state=folder)
    store = replace(settings.stores[0], origin=origin, hosts=(HOST,), limits=LimitSettings(**limits))
    settings = replace(settings, stores=(store,), metrics=MetricsSettings(on=True))
    if opened:
        phases: dict[str, Status] = {"p1_browse": "active", "p2_cart": "active"}
        # Where money only seems to move, nobody outside of this machine may order.
        flip(settings, phases if "shop.example" in origin else phases | {"p3_checkout": "active"})
    return create_app(settings)


@asynccontextmanager
async def client(app: Litestar, address: str = STRANGER, host: str = HOST) -> AsyncIterator[httpx.AsyncClient]:
    """The first client of an app; it ends with it."""
    async with app.lifespan(), another_client(app, address, host) as asking:
        yield asking


@asynccontextmanager
async def another_client(app: Any, address: str = STRANGER, host: str = HOST) -> AsyncIterator[httpx.AsyncClient]:
    """Another client of an app that runs."""
    transport = httpx.ASGITransport(app, client=(address, 4711))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as asking:
        yield asking


@pytest.mark.parametrize("route", ROUTES)
async def test_every_kind_of_route_is_counted_once_and_then_refused(app: Litestar, route: str) -> None:
    method, path = ROUTES[route]
    async with client(app) as asking, another_client(app, OTHER) as another:
        statuses = [(await asking.request(method, path)).status_code for _ in range(BURST)]
        assert 429 not in statuses, "each request takes one permit, not two"
        refused = await asking.request(method, path)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 3600
        assert refused.headers["ratelimit-policy"].startswith(f'"address";q={BURST}')
        assert refused.headers["x-content-type-options"] == "nosniff"
        assert "rate_limited" in refused.text
        assert (await another.request(method, path)).status_code == statuses[0]


async def test_one_address_has_one_bucket_for_all_routes(app: Litestar) -> None:
    async with client(app) as asking:
        for method, path in list(ROUTES.values())[:BURST]:
            assert (await asking.request(method, path)).status_code != 429
        assert {(await asking.request(*route)).status_code for route in ROUTES.values()} == {429}


async def test_an_endpoint_that_is_not_open_counts_too(tmp_path: Path) -> None:
    async with client(_served(tmp_path, opened=False, address="1/h burst 2")) as asking:
        assert [(await asking.post("/mcp")).status_code for _ in range(3)] == [503, 503, 429]


async def test_a_person_gets_a_page_and_head_has_no_body(app: Litestar) -> None:
    async with client(app) as asking:
        for _ in range(BURST):
            await asking.get("/")
        page = await asking.get("/pay/nobody", headers={"accept": "text/html,*/*"})
        assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")
        assert "Try again in" in page.text
        assert page.headers["access-control-allow-origin"] == "*"
        nothing = await asking.head("/")
        assert (nothing.status_code, nothing.content) == (429, b"")
        program = (await asking.get("/")).json()
        assert (program["status"], program["code"]) == (429, "rate_limited")


async def test_health_and_hosts_of_no_store_have_a_bucket_of_their_own(app: Litestar) -> None:
    async with client(app) as asking, another_client(app, host="nobody.example") as lost:
        for _ in range(BURST + 1):
            last = await asking.get("/")
        assert last.status_code == 429
        statuses = [(await asking.get("/healthz")).status_code, (await lost.get("/")).status_code]
        assert statuses == [200, 421], "a flood of pages does not take the server from its load balancer"
        statuses += [(await lost.get("/")).status_code for _ in range(BURST - 2)]
        assert 429 not in statuses
        assert (await asking.get("/healthz")).status_code == (await lost.get("/")).status_code == 429


async def test_without_a_limit_on_addresses_nothing_is_refused(tmp_path: Path) -> None:
    async with client(_served(tmp_path, address="off")) as asking:
        statuses = {(await asking.get(path)).status_code for path in ("/", "/healthz") * 9}
    assert statuses == {200}


async def test_a_page_of_an_allowed_origin_can_read_that_it_was_too_much(app: Litestar) -> None:
    async with client(app) as asking:
        for _ in range(BURST):
            await asking.get("/")
        own = await asking.post("/mcp", headers={"origin": f"http://{HOST}"})
        foreign = await asking.post("/mcp", headers={"origin": "https://evil.example"})
        assert (own.status_code, foreign.status_code) == (429, 429)
        assert own.headers["access-control-allow-origin"] == f"http://{HOST}"
        assert "access-control-allow-origin" not in foreign.headers


READS: Mapping[str, Mapping[str, Any]] = {
    "resources/read": {"uri": "store://pages/none"},
    "prompts/get": {"name": "finish_the_order", "arguments": {}},
    "completion/complete": {
        "ref": {"type": "ref/prompt", "name": "finish_the_order"},
        "argument": {"name": "cart", "value": ""},
    },
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("method", READS)
async def test_what_may_ask_the_shop_counts_as_a_guests_call(tmp_path: Path, method: str, version: str) -> None:
    async with client(_served(tmp_path, guest="1/h burst 2")) as asking:
        body, sent = asked(method, version, dict(READS[method]))
        answers = [await asking.post("/mcp", json=body, headers=dict(sent)) for _ in range(3)]
    before, last = [one.json().get("error", {}).get("code") for one in answers[:2]], answers[2]
    assert 429 not in before
    refused = last.json()
    assert refused["id"] == body["id"]
    assert (refused["error"]["code"], refused["error"]["data"]["code"]) == (429, "rate_limited")
    assert refused["error"]["data"]["limit"] == "guest"
    assert last.status_code == (429 if version == NEWEST else 200)
    assert last.headers["retry-after"] == str(refused["error"]["data"]["retry_after"])


async def test_each_message_of_a_batch_counts_by_itself(tmp_path: Path) -> None:
    batches = next(version.id for version in HANDSHAKE_VERSIONS.values() if version.jsonrpc_batches)
    async with client(_served(tmp_path, guest="1/h burst 5")) as asking:
        body = [message("resources/read", dict(READS["resources/read"]), request_id=number) for number in range(20)]
        answer = await asking.post("/mcp", json=body, headers={"mcp-protocol-version": batches})
    codes = [one["error"]["code"] for one in answer.json()]
    assert codes[5:] == [429] * 15
    assert 429 not in codes[:5]


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.88.0.3"])
async def test_forty_shoppers_behind_a_proxy_that_names_none_of_them_all_get_a_cart(tmp_path: Path, peer: str) -> None:
    app = _served(tmp_path, origin="http://shop.example")
    call = {"name": "create_cart", "arguments": {}}
    async with client(app, peer) as asking:
        told = {} if peer == "127.0.0.1" else {"x-forwarded-for": "198.51.100.9"}
        store_is_public = {"host": "shop.example"} | told
        await asking.get("/", headers=store_is_public)
        answers = [
            await asking.post("/mcp", json=message("tools/call", call), headers=store_is_public) for _ in range(40)
        ]
    assert [answer.json()["result"]["isError"] for answer in answers] == [False] * 40


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/register", "/oauth/revoke"])
async def test_an_oauth_client_is_told_so_that_it_comes_again_and_does_not_sign_in_anew(
    tmp_path: Path, path: str
) -> None:
    settings = demo_settings(8000, state=tmp_path)
    limits = LimitSettings(address=f"1/h burst {BURST}")
    store = replace(settings.stores[0], limits=limits, sign_in=SignInSettings(on=True))
    key = Secret(Fernet.generate_key().decode())
    settings = replace(settings, stores=(store,), personal_data=PrivacySettings(key=(key,)))
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p4_account": "active"})
    async with client(create_app(settings)) as asking:
        statuses = {(await asking.post(path, headers={"accept": "text/html"})).status_code for _ in range(BURST)}
        assert statuses == {400}
        answer = await asking.post(path, headers={"accept": "text/html"})
        assert (answer.status_code, answer.headers["content-type"]) == (429, "application/json")
        assert answer.json()["error"] == "temporarily_unavailable"
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["cache-control"] == "no-store"
        assert (await asking.post("/no/such/page")).headers["content-type"] == "application/problem+json"
