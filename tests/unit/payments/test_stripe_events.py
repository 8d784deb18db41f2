"""Stripe webhooks: signature, age, and what is decoded."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.payments.provider import EventRefused, ProviderEvent
from storefront_mcp.payments.stripe.events import MAX_WEBHOOK_BYTES, read_event
from storefront_mcp.payments.stripe.provider import StripeProvider
from tests.fakes.stripe.posting import signature

OURS, NEXT, THEIRS = "whsec_ours", "whsec_next", "whsec_theirs"


def event(**subject: Any) -> bytes:
    """A snapshot event as Stripe writes it."""
    shape = {"id": "evt_1", "object": "event", "type": "checkout.session.completed", "data": {"object": subject}}
    return json.dumps(shape).encode()


BODY = event(object="checkout.session", client_reference_id="chk_1", metadata={"checkout_id": "chk_1"})


def ago(seconds: int) -> int:
    return int(time.time()) - seconds


def v1(secret: str, *, at: int | None = None, body: bytes = BODY) -> str:
    """A header's digest alone."""
    return signature(body, secret, at=at).partition(",")[2]


def test_a_fresh_event_with_our_signature_is_read() -> None:
    assert read_event(BODY, signature(BODY, OURS), secrets=[OURS]) == ProviderEvent(
        id="evt_1", kind="checkout.session.completed", checkout="chk_1"
    )


SIGNED: dict[str, tuple[Callable[[], str | None], bool]] = {
    "now": (lambda: signature(BODY, OURS, at=ago(0)), True),
    "200 seconds ago": (lambda: signature(BODY, OURS, at=ago(200)), True),
    "302 seconds ago": (lambda: signature(BODY, OURS, at=ago(302)), False),
    "yesterday": (lambda: signature(BODY, OURS, at=ago(86_400)), False),
    "a clock ahead of ours": (lambda: signature(BODY, OURS, at=ago(-30)), True),
    "their secret": (lambda: signature(BODY, THEIRS), False),
    "our next secret": (lambda: signature(BODY, NEXT), True),
    "their digest before ours": (lambda: f"t={ago(0)},{v1(THEIRS, at=ago(0))},{v1(OURS, at=ago(0))}", True),
    "an older scheme": (lambda: f"t={ago(0)},{v1(OURS, at=ago(0)).replace('v1', 'v0')}", False),
    "an older scheme beside ours": (lambda: f"t={ago(0)},v0=00,{v1(OURS, at=ago(0))}", True),
    "another time": (lambda: f"t={ago(100)},{v1(OURS, at=ago(0))}", False),
    "no digest": (lambda: f"t={ago(0)}", False),
    "no time": (lambda: v1(OURS), False),
    "nothing": (lambda: "", False),
    "no header": (lambda: None, False),
    "empty values": (lambda: "t=,v1=", False),
    "words for values": (lambda: "t=x,v1=y", False),
    "nonsense": (lambda: "nonsense", False),
    "no ASCII": (lambda: "t=1,v1=ä", False),
    "an endless number": (lambda: f"t={'9' * 6000},v1=00", False),
}


@pytest.mark.parametrize("case", SIGNED)
def test_a_signature_is_ours_and_fresh_or_refused(case: str) -> None:
    make, good = SIGNED[case]
    header = make()
    if good:
        assert read_event(BODY, header, secrets=[OURS, NEXT]).id == "evt_1"
        return
    with pytest.raises(EventRefused, match="not signed"):
        read_event(BODY, header, secrets=[OURS, NEXT])


def test_one_changed_byte_is_another_body() -> None:
    with pytest.raises(EventRefused, match="not signed"):
        read_event(BODY.replace(b"chk_1", b"chk_2"), signature(BODY, OURS), secrets=[OURS])


@pytest.mark.parametrize("secrets", [[], [""], ["  "]])
def test_without_a_secret_nobody_is_believed(secrets: list[str]) -> None:
    with pytest.raises(EventRefused):
        read_event(BODY, signature(BODY, secrets[0] if secrets else ""), secrets=secrets)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"object": "event"}',
        b'{"id": 3, "object": "event", "type": "x", "data": {"object": {}}}',
        b'{"id": "evt_1", "object": "event", "type": "x", "data": {"object": 3}}',
        b'{"id": "evt_1", "object": "v2.core.event", "type": "x", "data": {"object": {}}}',
        b"[" * 100_000,
    ],
)
def test_what_is_signed_and_no_event_is_refused_and_not_quoted(body: bytes) -> None:
    with pytest.raises(EventRefused) as refused:
        read_event(body, signature(body, OURS), secrets=[OURS])

    assert str(refused.value) == "signed, but it is no event that we can read"


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(EventRefused):
        read_event(b"\xff\xfe", signature(b"\xff\xfe", OURS), secrets=[OURS])


def test_a_huge_body_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(EventRefused, match=f"{MAX_WEBHOOK_BYTES + 1} bytes"):
        read_event(b"x" * (MAX_WEBHOOK_BYTES + 1), "", secrets=[OURS])


@pytest.mark.parametrize(
    ("subject", "checkout"),
    [
        ({"object": "checkout.session", "client_reference_id": "chk_1", "metadata": {}}, "chk_1"),
        ({"object": "payment_intent", "metadata": {"checkout_id": "chk_2"}}, "chk_2"),
        ({"object": "checkout.session", "client_reference_id": "chk_1", "metadata": {"checkout_id": "chk_2"}}, "chk_2"),
        ({"object": "charge", "metadata": {}}, None),
        ({"object": "dispute", "metadata": None, "client_reference_id": None}, None),
        ({"object": "dispute"}, None),
    ],
)
def test_an_event_says_which_checkout_when_it_knows(subject: dict[str, Any], checkout: str | None) -> None:
    body = event(**subject)

    assert read_event(body, signature(body, OURS), secrets=[OURS]).checkout == checkout


@given(st.binary(max_size=200), st.text(max_size=100))
def test_whatever_arrives_is_read_or_refused(body: bytes, header: str) -> None:
    with pytest.raises(EventRefused):
        read_event(body, header, secrets=[OURS])
    with pytest.raises(EventRefused):
        read_event(body, signature(body, OURS), secrets=[OURS])


async def test_the_provider_finds_the_signature_among_the_headers() -> None:
    provider = StripeProvider("sk_test_fake", secrets=[NEXT, OURS])
    headers = {"host": "shop.example", "stripe-signature": signature(BODY, OURS)}

    assert provider.event(BODY, headers).checkout == "chk_1"
    with pytest.raises(EventRefused):
        provider.event(BODY, {"host": "shop.example"})
    await provider.close()
