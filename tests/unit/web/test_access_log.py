"""The access log sees every request once, changes none, and writes no secret."""

import logging
from typing import Any

import pytest

from storefront_mcp.web.access_log import AccessLog, LoggedRequest
from storefront_mcp.web.security import masked_path


async def requested(app: Any, events: list[dict[str, Any]], **options: Any) -> tuple[list[LoggedRequest], list[Any]]:
    """What is written of one request, and what is sent in answer to it."""
    written: list[LoggedRequest] = []
    sent: list[Any] = []
    scope: Any = {"type": "http", "method": "POST", "path": "/pay/abc", "headers": [], "query_string": b"key=secret"}
    scope["type"] = options.pop("type", "http")

    async def receive() -> Any:
        return events.pop(0)

    async def send(event: Any) -> None:
        sent.append(event)

    await AccessLog(app, written.append, **options)(scope, receive, send)
    return written, sent


@pytest.mark.parametrize(("body_bytes", "kept"), [(0, b""), (3, b"one"), (5, b"oneTw"), (99, b"oneTwo")])
async def test_the_app_reads_and_answers_as_without_it(body_bytes: int, kept: bytes) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["body"] + (await receive())["body"] == b"oneTwo"
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b"yes"})

    parts = [{"type": "http.request", "body": part, "more_body": True} for part in (b"one", b"Two")]
    (request,), sent = await requested(app, parts, body_bytes=body_bytes)

    assert (request.method, request.path, request.status, request.body) == ("POST", "/pay/…", 202, kept)
    assert request.milliseconds >= 0
    assert [event["type"] for event in sent] == ["http.response.start", "http.response.body"]


async def test_a_whole_response_and_one_that_never_began_are_written() -> None:
    async def whole(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.whole", "status": 200, "headers": (), "body": b""})

    async def gone(*_: Any) -> None:
        raise ConnectionResetError

    assert (await requested(whole, []))[0][0].status == 200
    written: list[LoggedRequest] = []
    with pytest.raises(ConnectionResetError):
        await AccessLog(gone, written.append)({"type": "http", "method": "GET", "path": "/"}, None, None)  # type: ignore[arg-type]
    assert [request.status for request in written] == [0]


async def test_what_is_no_request_is_not_written() -> None:
    async def app(*_: Any) -> None:
        pass

    assert await requested(app, [], type="lifespan") == ([], [])


async def test_operators_read_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def send(_: Any) -> None:
        pass

    with caplog.at_level(logging.INFO, "storefront_mcp.access"):
        await AccessLog(app)({"type": "http", "method": "GET", "path": "/pay/abc"}, None, send)  # type: ignore[arg-type]
    (line,) = caplog.messages
    assert line.startswith("GET /pay/… 204 ")
    assert line.endswith(" ms")


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/llms.txt", "/llms.txt"),
        ("/pay/abcdef", "/pay/…"),
        ("/PAY/abcdef", "/pay/…"),
        ("/sandbox/pay/abcdef", "/sandbox/pay/…"),
        ("/a2a/rest/tasks/task_1:cancel", "/a2a/rest/tasks/…"),
        ("/acp/carts/cart_x", "/acp/carts/…"),
        ("/acp/checkout_sessions/cart_x.1/complete", "/acp/checkout_sessions/…"),
        ("/ucp/carts/cart_x/cancel", "/ucp/carts/…"),
        ("/ucp/checkout-sessions/cart_x.1", "/ucp/checkout-sessions/…"),
        ("/webhooks/stripe", "/webhooks/stripe"),
        ("/mcp/token/" + "a" * 41, "/mcp/token/…"),
        ("/a\x1b[2Jb\n", "/a?[2Jb?"),
        ("/" + "a/" * 500, ("/" + "a/" * 500)[:200]),
    ],
)
def test_a_path_is_logged_without_its_secrets(path: str, logged: str) -> None:
    assert masked_path(path) == logged
