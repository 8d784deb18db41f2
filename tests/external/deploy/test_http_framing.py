"""The same table as without a proxy: behind each shipped one, a body is never the next request."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.external.deploy.conftest import AS_SERVED
from tests.external.deploy.proxies import fronted
from tests.serving import free_port, served
from tests.unit.web.http_framing import OPENINGS, AnswerReader, FramedRequest, ask_in_segments, echo, framed_requests

pytestmark = pytest.mark.slow

METHODS = (b"GET", b"POST", b"DELETE")


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def front(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[list[str]]]]:
    """A proxy's origin, and the method and target of everything that came through it."""
    seen: list[list[str]] = []

    async def recording(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append([scope["method"], scope["raw_path"].decode()])
        await echo(scope, receive, send)

    port, direct = free_port(), free_port()
    with (
        served(recording, direct, **AS_SERVED),
        fronted(request.param, "subdomain", port=port, upstream=direct) as front,
    ):
        yield front.origin, seen


@pytest.fixture(scope="module")
def turn(front: tuple[str, list[list[str]]]) -> Iterator[Any]:
    """Waits until proxy and server had time to read what was sent before."""
    with httpx.Client(base_url=front[0]) as client:
        yield lambda: client.get("/turn")


def answers(reader: AnswerReader, request: FramedRequest) -> list[list[str]]:
    """What the server was given for each answer, until the connection ends."""
    found = []
    while (answer := reader.answer()) is not None:
        assert answer.status == 200, (request.name(), answer)
        found.append(json.loads(answer.body))
    return found


@pytest.mark.parametrize("opening", OPENINGS)
def test_a_body_belongs_to_its_request_behind_a_proxy(
    opening: str, front: tuple[str, list[list[str]]], turn: Any
) -> None:
    origin, seen = front
    host = origin.removeprefix("http://").encode()
    second = b"GET /second HTTP/1.1\r\nhost: %b\r\nconnection: close\r\n\r\n" % host
    for request in framed_requests(methods=METHODS):
        if request.opening != opening:
            continue
        seen.clear()
        for reader in ask_in_segments(origin, [*request.pieces(host), second], between=turn):
            found = answers(reader, request)
        # A proxy may end the connection after the first answer; it must not answer the second with another's.
        assert [said[:3] for said in found] in (
            [[request.method.decode(), "/first", request.body().decode()], ["GET", "/second", ""]],
            [[request.method.decode(), "/first", request.body().decode()]],
        ), request.name()
        assert all("upgrade" not in said[3] for said in found), request.name()
        assert ["GET", "/smuggled"] not in seen, request.name()
        assert seen.count([request.method.decode(), "/first"]) == 1, request.name()


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("segments", [1, 2, 3])
def test_a_request_of_http_1_0_keeps_its_body_behind_a_proxy(
    opening: str, segments: int, front: tuple[str, list[list[str]]], turn: Any
) -> None:
    origin, seen = front
    host = origin.removeprefix("http://").encode()
    request = FramedRequest(opening=opening, method=b"POST", framing="length", segments=segments, version=b"1.0")
    for reader in ask_in_segments(origin, request.pieces(host), between=turn):
        answer = reader.answer()
    assert answer is not None
    assert answer.told()[:3] == ["POST", "/first", request.body().decode()]
    assert ["GET", "/smuggled"] not in seen


@pytest.mark.parametrize("target", [b"127.0.0.1:80", b"/first"])
def test_no_tunnel_is_made_by_a_proxy(target: bytes, front: tuple[str, list[list[str]]], turn: Any) -> None:
    origin, seen = front
    seen.clear()
    host = origin.removeprefix("http://").encode()
    request = FramedRequest(opening="plain", method=b"CONNECT", framing="no body", segments=1, target=target)
    follows = b"GET /smuggled HTTP/1.1\r\nhost: %b\r\nconnection: close\r\n\r\n" % host
    for reader in ask_in_segments(origin, [*request.pieces(host), follows], between=turn):
        answer = reader.answer()
        assert answer is None or answer.status >= 400
    assert not [path for method, path in seen if method == "CONNECT"]


def test_a_target_and_a_host_that_differ_reach_nobody_by_two_names(
    front: tuple[str, list[list[str]]], turn: Any
) -> None:
    """The console must not be reached through the shop's name: a proxy passes on the host by which it has chosen."""
    origin, seen = front
    seen.clear()
    host = origin.removeprefix("http://").encode()
    asked = b"POST http://%b/first HTTP/1.1\r\nhost: operator.shop.example\r\nconnection: close\r\n\r\n"
    for reader in ask_in_segments(origin, [asked % host], between=turn):
        answer = reader.answer()
    assert answer is not None
    if answer.status == 200:
        assert answer.told()[4] == host.decode()
    else:
        assert answer.status == 400
        assert ["POST", "/first"] not in seen
