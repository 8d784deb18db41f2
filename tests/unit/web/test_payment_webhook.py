"""Webhooks: verified, written down before anything else, and never more than a reason to look sooner."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.payments.provider import EventRefused, ProviderEvent
from storefront_mcp.web.body import MAX_BODY_BYTES
from storefront_mcp.web.payment_webhook import FAILING_SECONDS, FAILING_WEBHOOKS, WebhookRefusals, webhook_routes
from tests.fakes.memory_backend import STORE
from tests.unit.web.buying import FakePaying, buyer_app

pytestmark = pytest.mark.slow

EVENTS = {
    b"paid": ProviderEvent(id="evt_1", kind="checkout.session.completed", checkout="chk_1"),
    b"held": ProviderEvent(id="evt_2", kind="payment_intent.amount_capturable_updated", checkout="chk_1"),
    b"other": ProviderEvent(id="evt_3", kind="balance.available"),
}


class Signed:
    """A provider whose signature is a word."""

    name = "paynice"

    def event(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        if headers.get("paynice-signature") != "honest" or body not in EVENTS:
            raise EventRefused("a bad signature")
        return EVENTS[body]


class Book:
    """The part of `checkout.record.Records` that webhooks touch."""

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], str | None] = {}
        self.hastened: list[tuple[StoreId, str, float]] = []
        self.log: list[str] = []
        self.full = False
        self.stuck = False

    async def keep_event(self, provider: str, event: str, *, store: StoreId, checkout: str | None, now: float) -> bool:
        if self.full:
            raise OSError("no space left")
        new = (provider, event) not in self.events
        self.events[provider, event] = checkout
        self.log.append("kept")
        return new

    async def mark_due(self, store: StoreId, id_: str, *, now: float) -> None:
        self.log.append("hastened")
        if self.stuck:
            raise OSError("locked")
        self.hastened.append((store, id_, now))


async def tell(
    book: Book,
    body: bytes = b"paid",
    *,
    path: str = "/webhooks/paynice",
    refusals: WebhookRefusals | None = None,
    **headers: str,
) -> httpx.Response:
    providers: Any = {STORE.id: Signed()}
    routes = webhook_routes(providers, book, refusals=refusals, now=lambda: 7.0)  # type: ignore[arg-type]
    app = buyer_app(FakePaying(), more=routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=STORE.origin) as client:
        return await client.post(path, content=body, headers={"Paynice-Signature": "honest", **headers})


async def test_an_event_is_written_down_before_anybody_is_hastened() -> None:
    book = Book()
    answer = await tell(book)
    assert (answer.status_code, answer.content) == (200, b"")
    assert book.log == ["kept", "hastened"]
    assert book.events == {("paynice", "evt_1"): "chk_1"}
    assert book.hastened == [(STORE.id, "chk_1", 7.0)]


async def test_refusals_in_a_row_are_kept_until_somebody_has_looked() -> None:
    clock = [7.0]
    refusals = WebhookRefusals(now=lambda: clock[0])
    for number in range(4):
        assert refusals.take(STORE.id) is None, "too few"
        clock[0] += 1
        await tell(Book(), refusals=refusals, **{"Paynice-Signature": "forged"})
        if number == 1:
            clock[0] += FAILING_SECONDS
    taken = refusals.take(STORE.id)
    assert taken is None, "the first of the last three was too long ago"
    await tell(Book(), refusals=refusals, **{"Paynice-Signature": "forged"})
    taken = refusals.take(STORE.id)
    assert taken is not None
    assert (taken.count, taken.oldest_at, taken.reason) == (FAILING_WEBHOOKS, FAILING_SECONDS + 10, "a bad signature")
    assert refusals.take(STORE.id) is None, "nothing came since"


async def test_an_event_that_comes_again_changes_nothing() -> None:
    book = Book()
    answers = await asyncio.gather(*(tell(book) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(book.hastened) == 1


@given(order=st.permutations([b"paid", b"held", b"other", b"paid"]))
async def test_the_order_of_events_does_not_matter(order: list[bytes]) -> None:
    book = Book()
    for body in order:
        assert (await tell(book, body)).status_code == 200
    assert {event for _, event in book.events} == {"evt_1", "evt_2", "evt_3"}
    assert book.hastened == [(STORE.id, "chk_1", 7.0)] * 2


@pytest.mark.parametrize(("body", "signature"), [(b"paid", "forged"), (b"paid ", "honest"), (b"", "honest")])
async def test_a_signature_that_does_not_hold_is_refused_and_leaves_no_trace(body: bytes, signature: str) -> None:
    book = Book()
    answer = await tell(book, body, **{"Paynice-Signature": signature})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert book.log == []


@pytest.mark.parametrize("path", ["/webhooks/stranger", "/webhooks/", "/webhooks/paynice/more"])
async def test_a_provider_that_is_not_ours_is_not_heard(path: str) -> None:
    book = Book()
    assert (await tell(book, path=path)).status_code == 404
    assert book.log == []


async def test_a_store_without_a_provider_hears_nothing() -> None:
    app = buyer_app(FakePaying(), more=webhook_routes({}, Book()))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=STORE.origin) as client:
        assert (await client.post("/webhooks/paynice", content=b"paid")).status_code == 404
        assert (await client.get("/webhooks/paynice")).status_code == 405


async def test_a_body_without_end_is_not_read() -> None:
    book = Book()
    assert (await tell(book, b"x" * (MAX_BODY_BYTES + 1))).status_code == 413
    assert book.log == []


async def test_what_could_not_be_written_down_is_to_be_sent_again(caplog: pytest.LogCaptureFixture) -> None:
    book = Book()
    book.full = True
    answer = await tell(book)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert "no space left" not in answer.text
    assert "could not be written down" in caplog.text
    book.full = False
    assert (await tell(book)).status_code == 200
    assert book.hastened == [(STORE.id, "chk_1", 7.0)]


async def test_an_event_that_is_kept_is_thanked_for_even_if_nobody_could_be_hastened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    book = Book()
    book.stuck = True
    assert (await tell(book)).status_code == 200
    assert book.events == {("paynice", "evt_1"): "chk_1"}
    assert "could not be hastened" in caplog.text
