"""An event goes to a public address or nowhere, once, and takes no longer than it may."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest

from storefront_mcp.acp.order_events import merchant_signature
from storefront_mcp.order_events import webhook_sender
from storefront_mcp.order_events.webhook_sender import EventUndelivered, OrderEventSender
from storefront_mcp.public_http.exchange import PublicExchange
from tests.fakes.order_event_receiver import SECRET, verify
from tests.unit.order_events.desk import RECEIVER, sign

PUBLIC = "93.184.216.34"


def sender(answer: httpx.Response | Exception, *addresses: str) -> tuple[OrderEventSender, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def transport(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def resolve(_host: str) -> Sequence[str]:
        return addresses or (PUBLIC,)

    exchange = PublicExchange(resolve=resolve, transport=httpx.MockTransport(transport))
    return OrderEventSender(exchange, sign, now=lambda: 1_709_123_456.9), seen


async def test_an_event_is_signed_and_goes_to_the_address_that_was_looked_at() -> None:
    sending, seen = sender(httpx.Response(200))
    await sending.send(RECEIVER, "evt_1", b'{"type":"order_create"}')
    (request,) = seen
    assert (request.url.host, request.headers["host"]) == (PUBLIC, "platform.example")
    assert request.extensions["sni_hostname"] == "platform.example"
    headers = dict(request.headers)
    verify(headers, request.content, SECRET)
    assert headers["merchant-signature"].startswith("t=1709123456,")
    assert (headers["timestamp"], headers["request-id"]) == ("2024-02-28T12:30:56Z", "evt_1")


def test_the_signature_is_over_moment_dot_body() -> None:
    # Computed by `printf '1709123456.{}' | openssl dgst -sha256 -hmac key`.
    digest = "b09c3075bbb75eeeb95fd1ba6943507fd87b954ca78a250787bd02e9b044cf12"
    assert merchant_signature(b"key", 1_709_123_456, b"{}") == f"t=1709123456,v1={digest}"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254"])
async def test_nothing_is_sent_to_an_address_that_is_not_public(address: str) -> None:
    sending, seen = sender(httpx.Response(200), PUBLIC, address)
    with pytest.raises(EventUndelivered, match="not at a public address"):
        await sending.send(RECEIVER, "evt_1", b"{}")
    assert not seen


@pytest.mark.parametrize("status", [301, 307, 400, 401, 429, 500])
async def test_any_answer_but_2xx_is_a_failure_and_no_redirect_is_followed(status: int) -> None:
    sending, seen = sender(httpx.Response(status, headers={"location": "https://elsewhere.example/"}))
    with pytest.raises(EventUndelivered, match=f"HTTP {status}"):
        await sending.send(RECEIVER, "evt_1", b"{}")
    assert len(seen) == 1


async def test_an_error_does_not_quote_the_address() -> None:
    sending, _ = sender(httpx.ConnectError("cannot reach https://platform.example/events?token=secret"))
    with pytest.raises(EventUndelivered) as failed:
        await sending.send(RECEIVER, "evt_1", b"{}")
    assert "platform" not in str(failed.value)


async def test_a_receiver_that_does_not_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def resolve(_host: str) -> Sequence[str]:
        return (PUBLIC,)

    monkeypatch.setattr(webhook_sender, "TIMEOUT_SECONDS", 0.01)
    exchange = PublicExchange(resolve=resolve, transport=httpx.MockTransport(hang))
    with pytest.raises(EventUndelivered, match="no answer"):
        await OrderEventSender(exchange, sign, now=lambda: 0.0).send(RECEIVER, "evt_1", b"{}")
