"""Signed requests of platforms: which ones hold, and for whom limits are wider."""

import base64
import datetime as dt
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.message_signatures.digests import content_digest
from storefront_mcp.message_signatures.verification import MAX_SIGNATURE_BYTES, MAX_SIGNATURES
from storefront_mcp.public_http.documents import DocumentUnavailable
from storefront_mcp.ucp.platform_errors import PlatformRefused
from storefront_mcp.ucp.platform_profiles import KnownPlatform
from storefront_mcp.ucp.trust import PlatformRequest, PlatformTrust
from tests.unit.message_signatures.signing import (
    COVERED,
    NOW,
    PLATFORM_KEY,
    PrivateKey,
    private_jwk,
    public_jwk,
    signed_headers,
)
from tests.unit.ucp.test_platform_profiles import URL, World

BODY = b'{"line_items": []}'
ORIGIN = RequestOrigin(address="192.0.2.1")
OTHER = ec.generate_private_key(ec.SECP256R1())


class Signing(World):
    """A platform that publishes keys, as a store sees it."""

    def __init__(self, *keys: dict[str, Any], known: bool = True) -> None:
        super().__init__({URL: KnownPlatform(profile=URL)} if known else {})
        self.publish(*keys or (public_jwk(PLATFORM_KEY),))
        self.trust = PlatformTrust(self.directory, origin="https://pickle.example", now=lambda: NOW)

    def publish(self, *keys: dict[str, Any]) -> None:
        self.source.body = json.dumps({"ucp": {"version": "2026-08-25"}, "keys": keys}).encode()

    async def agent(
        self,
        headers: list[tuple[bytes, bytes]],
        *,
        method: str = "POST",
        target: str = "/ucp/carts?x=1",
        body: bytes = BODY,
    ) -> str | None:
        platform = await self.directory.platform(URL)
        request = PlatformRequest(method=method, target=target, headers=headers, body=body)
        return (await self.trust.verified_origin(request, platform, ORIGIN)).agent


@pytest.mark.parametrize("key", [PLATFORM_KEY, ec.generate_private_key(ec.SECP384R1()), Ed25519PrivateKey.generate()])
async def test_a_listed_platform_that_signs_is_counted_by_itself(key: PrivateKey) -> None:
    world = Signing(public_jwk(key))
    assert await world.agent(signed_headers(key, body=BODY)) == "https://platform.example"


async def test_a_platform_that_is_not_listed_is_a_client_like_any_other_however_well_it_signs() -> None:
    assert await Signing(known=False).agent(signed_headers()) is None


@pytest.mark.parametrize(
    "part", ["@method", "@authority", "@path", "@query", "ucp-agent", "idempotency-key", "content-type"]
)
async def test_a_signature_has_to_cover_what_makes_the_request(part: str) -> None:
    assert await Signing().agent(signed_headers(covered=[name for name in COVERED if name != part])) is None


async def test_a_signature_of_a_body_has_to_cover_its_digest() -> None:
    assert await Signing().agent(signed_headers(covered=[each for each in COVERED if each != "content-digest"])) is None


async def test_a_request_without_body_query_or_key_covers_less() -> None:
    headers = signed_headers(
        method="GET",
        url="https://pickle.example/ucp/carts/1",
        covered=("@method", "@authority", "@path", "ucp-agent"),
        headers={"ucp-agent": 'profile="https://platform.example/profile.json"'},
    )
    assert await Signing().agent(headers, method="GET", target="/ucp/carts/1", body=b"") == "https://platform.example"


@pytest.mark.parametrize(
    "changes",
    [{"method": "PUT"}, {"target": "/ucp/carts?x=2"}, {"target": "/ucp/checkout-sessions?x=1"}],
    ids=str,
)
async def test_a_signature_of_another_request_is_none(changes: dict[str, Any]) -> None:
    assert await Signing().agent(signed_headers(), **changes) is None


@pytest.mark.parametrize("age", [-61, 361])
async def test_a_signature_of_another_time_is_none(age: int) -> None:
    assert await Signing().agent(signed_headers(created=NOW - dt.timedelta(seconds=age))) is None


@pytest.mark.parametrize("age", [-59, 0, 299])
async def test_clocks_may_differ_a_little(age: int) -> None:
    headers = signed_headers(created=NOW - dt.timedelta(seconds=age))
    assert await Signing().agent(headers) == "https://platform.example"


async def test_a_signature_that_has_expired_is_none() -> None:
    headers = signed_headers(expires=NOW - dt.timedelta(seconds=61), created=NOW - dt.timedelta(seconds=200))
    assert await Signing().agent(headers) is None


async def test_a_signature_without_a_time_holds_as_the_protocol_wants() -> None:
    """By hand, as the library always writes one."""
    parameters = '("@method" "@authority" "@path" "ucp-agent");keyid="platform-1"'
    lines = (
        '"@method": GET\n"@authority": pickle.example\n"@path": /ucp/carts/1\n"ucp-agent": profile="x"\n'
        f'"@signature-params": {parameters}'
    )
    r, s = decode_dss_signature(PLATFORM_KEY.sign(lines.encode(), ec.ECDSA(hashes.SHA256())))
    raw = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    headers = [
        (b"host", b"pickle.example"),
        (b"ucp-agent", b'profile="x"'),
        (b"signature-input", f"sig1={parameters}".encode()),
        (b"signature", b"sig1=:" + raw + b":"),
    ]
    assert await Signing().agent(headers, method="GET", target="/ucp/carts/1", body=b"") == "https://platform.example"


async def test_a_key_of_somebody_else_signs_nothing() -> None:
    assert await Signing().agent(signed_headers(OTHER)) is None


@pytest.mark.parametrize("unusable", [public_jwk(PLATFORM_KEY, use="enc"), private_jwk(PLATFORM_KEY)])
async def test_a_key_that_may_not_verify_signs_nothing(unusable: dict[str, Any]) -> None:
    assert await Signing(unusable).agent(signed_headers()) is None


async def test_each_signature_is_tried_alone() -> None:
    good = dict(signed_headers(label="good"))
    bad = dict(signed_headers(OTHER, kid="unknown", label="bad"))
    both = [
        (name, bad[name] + b", " + value if name in {b"signature", b"signature-input"} else value)
        for name, value in good.items()
    ]
    assert await Signing().agent(both) == "https://platform.example"


async def test_no_more_signatures_are_tried_than_the_bound() -> None:
    good = dict(signed_headers(label="zzz"))
    others = [dict(signed_headers(OTHER, label=f"a{number}", covered=("@method",))) for number in range(MAX_SIGNATURES)]
    many = [
        (
            name,
            b", ".join([*(one[name] for one in others), value])
            if name in {b"signature", b"signature-input"}
            else value,
        )
        for name, value in good.items()
    ]
    assert await Signing().agent(many) is None


@pytest.mark.parametrize(
    ("inputs", "signature"),
    [
        (b"", b""),
        (b"sig1", b"sig1"),
        (b"(((", b":::"),
        (b"sig1=7", b"sig1=:AAAA:"),
        (b'sig1=("@method");keyid=7', b"sig1=:AAAA:"),
        (b'sig1=("@method");keyid="platform-1"', b"sig1=7"),
        (b'sig1=("@method";req);keyid="platform-1"', b"sig1=:AAAA:"),
        (b'sig1=("@method");keyid="platform-1";created="now"', b"sig1=:AAAA:"),
        (b'other=("@method");keyid="platform-1"', b"sig1=:AAAA:"),
        (b"x" * (MAX_SIGNATURE_BYTES + 1), b"sig1=:AAAA:"),
    ],
)
async def test_nonsense_is_no_signature(inputs: bytes, signature: bytes) -> None:
    headers = [(b"host", b"pickle.example"), (b"signature-input", inputs), (b"signature", signature)]
    assert await Signing().agent(headers) is None


@pytest.mark.parametrize("known", [True, False])
async def test_a_digest_of_other_bytes_is_refused_whoever_sends_it(known: bool) -> None:
    with pytest.raises(PlatformRefused) as refused:
        await Signing(known=known).agent([(b"content-digest", content_digest(BODY + b" ").encode())])
    assert (refused.value.code, refused.value.failure.status) == ("digest_mismatch", 400)


async def test_a_key_that_was_published_since_is_fetched_once_a_minute() -> None:
    world = Signing(public_jwk(OTHER, "old"))
    assert await world.agent(signed_headers()) is None
    world.publish(public_jwk(PLATFORM_KEY))
    assert await world.agent(signed_headers()) is None
    world.now += 60
    assert await world.agent(signed_headers()) == "https://platform.example"
    assert len(world.source.asked) == 2


async def test_a_key_that_cannot_be_looked_for_leaves_the_request_unsigned() -> None:
    world = Signing(public_jwk(OTHER, "old"))
    platform = await world.directory.platform(URL)
    world.profiles._held.clear()
    world.source.fault = DocumentUnavailable("down")
    request = PlatformRequest(method="POST", target="/ucp/carts?x=1", headers=signed_headers(), body=BODY)

    assert await world.trust.verified_origin(request, platform, ORIGIN) is ORIGIN


async def test_what_is_not_signed_is_left_as_it_is() -> None:
    world = Signing()
    platform = await world.directory.platform(URL)
    request = PlatformRequest(method="GET", target="/ucp/carts/1", headers=[(b"host", b"pickle.example")], body=b"")

    assert await world.trust.verified_origin(request, platform, ORIGIN) is ORIGIN
