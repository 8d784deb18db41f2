"""The first thing a request meets: which store, if any, and never another one."""

import json

import pytest
from litestar.types import Receive, Scope, Send
from msgspec.structs import replace

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.web import problem
from tests.fakes.memory_backend import OPEN, STORE
from tests.unit.web.serving import ServedStore, elsewhere, nothing, raw

SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'",
}
SMALL_AT = "/.well-known/small.json"


@pytest.fixture
def served_store() -> ServedStore:
    return ServedStore(stores=(STORE, elsewhere()))


async def test_each_host_gets_its_own_store(served_store: ServedStore) -> None:
    mine = await served_store.ask("GET", SMALL_AT, host="pickle.example")
    other = await served_store.ask("GET", SMALL_AT, host="other.example")
    assert (mine.json()["store"], other.json()["store"]) == ("pickle", "other")
    assert (await served_store.ask("GET", SMALL_AT, host="PICKLE.Example")).json()["store"] == "pickle"


@pytest.mark.proves("http.foreign-host")
@pytest.mark.parametrize("host", ["evil.example", "pickle.example.evil.example", "pickle.example:8443", "10.0.0.1"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", SMALL_AT), ("POST", "/mcp"), ("GET", "/nope")])
async def test_an_unknown_host_gets_no_stores_pages(
    served_store: ServedStore, host: str, method: str, path: str
) -> None:
    response = await served_store.ask(method, path, host=host)
    assert response.status_code == 421
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    told = response.json()
    assert (told["status"], told["title"]) == (421, "Misdirected Request")
    assert host in told["detail"]
    assert "pickle" not in response.text.replace(host, "").lower()


@pytest.mark.proves("http.foreign-host")
@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ([], 421),
        ([b"pickle.example"], 200),
        ([b"Pickle.Example"], 200),
        ([b"pickle.example", b"pickle.example"], 200),
        ([b"pickle.example", b"other.example"], 421),
        ([b""], 421),
        ([b"\xff\xfe"], 421),
        ([b"x" * 5000], 421),
    ],
)
async def test_two_hosts_or_none_are_nobodys(served_store: ServedStore, hosts: list[bytes], status: int) -> None:
    found, _, body = await raw(served_store.app, "GET", SMALL_AT, [(b"host", host) for host in hosts], nothing)
    assert found == status
    assert len(body) < 400


async def test_a_refusal_to_head_has_no_body_and_the_length_of_one(served_store: ServedStore) -> None:
    status, headers, body = await raw(served_store.app, "HEAD", "/", [(b"host", b"evil.example")], nothing)
    assert (status, body) == (421, b"")
    assert int(headers["content-length"]) > 0


@pytest.mark.parametrize("host", ["pickle.example", "10.0.0.7:8000", "whatever"])
async def test_health_is_told_under_any_host(served_store: ServedStore, host: str) -> None:
    response = await served_store.ask("GET", "/healthz", host=host)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
    head = await served_store.ask("HEAD", "/healthz", host=host)
    assert (head.status_code, head.content) == (200, b"")
    assert (await served_store.ask("POST", "/healthz", host=host)).status_code == 405


@pytest.mark.parametrize("host", ["pickle.example", "evil.example"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("HEAD", "/"),
        ("OPTIONS", "/"),
        ("POST", "/"),
        ("GET", "/nope"),
        ("GET", "/healthz"),
        ("GET", "/shipping"),
        ("GET", "/mcp"),
        ("OPTIONS", "/mcp"),
        ("POST", "/mcp"),
        ("DELETE", "/mcp"),
    ],
)
async def test_every_answer_carries_the_security_headers_once(
    served_store: ServedStore, host: str, method: str, path: str
) -> None:
    response = await served_store.ask(method, path, host=host)
    for name, start in SECURITY.items():
        (value,) = response.headers.get_list(name)
        assert value.startswith(start)
    assert ("strict-transport-security" in response.headers) is (host == "pickle.example")


async def test_a_store_without_https_does_not_insist_on_it() -> None:
    served_store = ServedStore(stores=(replace(STORE, origin="http://127.0.0.1:8000"),))
    assert "strict-transport-security" not in (await served_store.ask("GET", "/")).headers
    assert "strict-transport-security" not in (await served_store.ask("GET", "/mcp")).headers


async def test_a_fault_of_ours_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    served_store = ServedStore()
    served_store.memory_backend.down = RuntimeError("the shop at hunter2 broke")
    response = await served_store.ask("GET", "/shipping")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "GET /shipping failed" in caplog.text
    assert "hunter2" in caplog.text


async def _picture(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode(), "more_body": False})


async def test_pictures_belong_to_the_store_that_has_them() -> None:
    served_store = ServedStore(stores=(STORE, elsewhere()), media={StoreId("pickle"): _picture})
    mine = await served_store.ask("GET", "/media/pad.svg", host="pickle.example")
    assert (mine.status_code, mine.headers["x-content-type-options"]) == (200, "nosniff")
    assert mine.text.strip("/") == "pad.svg"
    other = await served_store.ask("GET", "/media/pad.svg", host="other.example")
    assert (other.status_code, other.headers["content-type"]) == (404, "application/problem+json")


async def test_what_is_not_http_goes_to_the_framework() -> None:
    served_store = ServedStore()
    told: list[str] = []

    async def pages(scope: Scope, receive: Receive, send: Send) -> None:
        told.append(scope["type"])

    served_store.app._pages = pages
    await served_store.app({"type": "lifespan"}, nothing, nothing)
    assert told == ["lifespan"]


async def test_an_app_that_sends_no_headers_still_gets_ours() -> None:
    served_store = ServedStore()

    async def pages(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    served_store.app._pages = pages
    status, headers, _ = await raw(served_store.app, "GET", "/", [(b"host", b"pickle.example")], nothing)
    assert (status, headers["x-frame-options"]) == (200, "DENY")


@pytest.mark.parametrize("status", [403, 404, 405, 408, 413, 415, 421, 429, 500, 503])
def test_a_problem_document_has_the_name_of_its_status(status: int) -> None:
    told = json.loads(problem.problem_bytes(status, "Do this."))
    assert told["type"] == "about:blank"
    assert (told["status"], told["detail"]) == (status, "Do this.")
    assert told["title"]


def test_the_open_house_is_open() -> None:
    assert OPEN.open
