"""Signed requests: which ones are an agent's, and that all others are unsigned ones and nothing worse."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import InvalidSignature, algorithms
from hypothesis import assume, given, strategies as st

from storefront_mcp.identity import signatures
from storefront_mcp.identity.agent_keys import (
    FAILURE_BACKOFF_SECONDS,
    KEYS_TTL_SECONDS,
    MAX_KEYS,
    MAX_TTL_SECONDS,
    MIN_TTL_SECONDS,
    STALE_TTL_SECONDS,
    AgentKeyDirectory,
    thumbprint,
)
from storefront_mcp.identity.issuer_client import MAX_RESPONSE_BYTES, IssuerClient
from storefront_mcp.identity.signatures import HttpSignatureVerifier, _Keys
from storefront_mcp.message_signatures.message import FieldLines, SignedRequest
from storefront_mcp.message_signatures.verification import ClockedVerifier
from tests.unit.identity.conftest import Clock
from tests.unit.identity.signing import Directory, Headers, as_sent, jwk, keyid_of, new_key, signed

NOW = dt.datetime(2027, 2, 1, 9, 0, tzinfo=dt.UTC)
AGENT = "https://agent.example"
KEY, OTHER = new_key(), new_key()
VECTOR = "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"
"""The public half of test-key-ed25519 (RFC 9421, B.1.4)."""


class Known(AgentKeyDirectory):
    """Keys that need no directory."""

    def __init__(self, keys: dict[str, Ed25519PublicKey]) -> None:
        self.keys = keys

    def key(self, keyid: str) -> Ed25519PublicKey | None:
        return self.keys.get(keyid)


def knowing(*keys: Ed25519PrivateKey, now: dt.datetime = NOW, **others: AgentKeyDirectory) -> HttpSignatureVerifier:
    known = Known({keyid_of(key): key.public_key() for key in keys or (KEY,)})
    return HttpSignatureVerifier({AGENT: known, **others}, scheme="https", now=lambda: now)


def who(
    check: HttpSignatureVerifier,
    headers: Headers,
    *,
    method: str = "POST",
    host: str = "pickle.example",
    path: str = "/mcp",
) -> str | None:
    return check.agent(method, host, f"{path}?x=%7e", headers)


# What the RFCs work out themselves ----------------------------------------------------------------------------------


class Timeless(ClockedVerifier):
    """The vector is of 2021, and never expires."""

    def validate_created_and_expires(self, sig_input: Any, max_age: object = None) -> None:
        """Any time is right."""


@pytest.mark.parametrize(("method", "holds"), [("POST", True), ("PUT", False)])
def test_the_vector_of_rfc_9421_b_2_6_verifies(method: str, holds: bool) -> None:
    public = Ed25519PublicKey.from_public_bytes(
        signatures.http_sf.parse(b":" + as_base64(VECTOR) + b":", tltype="item")[0]
    )
    headers = [
        (b"host", b"example.com"),
        (b"date", b"Tue, 20 Apr 2021 02:07:55 GMT"),
        (b"content-type", b"application/json"),
        (b"content-length", b"18"),
        (
            b"signature-input",
            (
                b'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
                b';created=1618884473;keyid="test-key-ed25519"'
            ),
        ),
        (
            b"signature",
            b"sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
        ),
    ]
    message = SignedRequest(method, "https://example.com/foo?param=Value&Pet=dog", FieldLines(headers))
    verifier = Timeless(algorithms.ED25519, _Keys(Known({"test-key-ed25519": public})), 0.0, dated=True)
    if holds:
        (found,) = verifier.verify(message, max_age=None)
        assert found.parameters["created"] == 1618884473
    else:
        with pytest.raises(InvalidSignature):
            verifier.verify(message, max_age=None)


def as_base64(url_safe: str) -> bytes:
    return url_safe.replace("-", "+").replace("_", "/").encode() + b"="


def test_a_thumbprint_is_that_of_rfc_8037_a_3() -> None:
    assert thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo") == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


# What holds, and what does not --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"covered": ("@authority", "@method", "@path", "@query", "@target-uri", "signature-agent")},
        {
            "covered": ("@authority", '"signature-agent";key="sig1"'),
            "named": f'sig1="{AGENT}", other="https://x.example"',
        },
        {"named": f'"{AGENT}/"'},
        {"age": 300 + 59, "lasts": 3600},
        {"age": -59},
        {"age": 100, "lasts": 50},
        {"include_alg": False},
    ],
)
def test_a_signed_request_is_its_agents(changes: dict[str, Any]) -> None:
    assert who(knowing(), as_sent(signed(KEY, agent=AGENT, now=NOW, **changes))) == AGENT


@pytest.mark.parametrize(
    "changes",
    [
        {"tag": "another"},
        {"tag": None},
        {"covered": ("signature-agent",)},
        {"covered": ("@authority",)},
        {
            "covered": ("@authority", '"signature-agent";key="sig2"'),
            "named": f'sig1="{AGENT}", sig2="https://x.example"',
        },
        {"covered": ("@authority", '"signature-agent";key="sig1"'), "named": "sig1=7"},
        {"lasts": None},
        {"age": 300 + 61, "lasts": 3600},
        {"age": -61},
        {"age": 100, "lasts": 39},
        {"keyid": "another"},
        {"named": '"https://x.example"'},
        {"named": AGENT},
        {"named": "?1"},
    ],
)
def test_a_signature_that_does_not_say_enough_is_none(changes: dict[str, Any]) -> None:
    assert who(knowing(), as_sent(signed(KEY, agent=AGENT, now=NOW, **changes))) is None


@pytest.mark.parametrize("changes", [{"method": "PUT"}, {"host": "other.example"}, {"path": "/mcp/"}])
def test_a_signature_of_another_request_is_none(changes: dict[str, Any]) -> None:
    covered = ("@authority", "@method", "@path", "signature-agent")
    sent = as_sent(signed(KEY, agent=AGENT, now=NOW, covered=covered))
    assert who(knowing(), sent) == AGENT
    assert who(knowing(), sent, **changes) is None


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        ("signature", "sig1=:", "sig1=:AAAA"),
        ("signature", "sig1=:", "sig2=:"),
        ("signature-input", 'alg="ed25519"', 'alg="hmac-sha256"'),
        ("signature-input", ";created=", ";created=1"),
        ("signature-input", ";expires=", ';expires="'),
        ("signature-input", '"@authority" ', ""),
        ("signature-input", '"@authority"', '"@authority" "x-more"'),
        ("signature-input", "sig1=", "sig0=7, sig1="),
        ("signature-agent", "agent.example", "Agent.example"),
    ],
)
def test_a_signature_that_was_changed_on_the_way_is_none(field: str, before: str, after: str) -> None:
    fields = signed(KEY, agent=AGENT, now=NOW, nonce="n")
    assert before in fields[field]
    assert who(knowing(), as_sent(fields | {field: fields[field].replace(before, after, 1)})) is None


def test_anybody_elses_key_is_none_under_this_agents_name() -> None:
    sent = as_sent(signed(OTHER, agent=AGENT, now=NOW))
    others = {"https://x.example": Known({keyid_of(OTHER): OTHER.public_key()})}
    assert who(knowing(KEY, **others), sent) is None
    assert who(knowing(OTHER), sent) == AGENT
    assert who(knowing(KEY), as_sent(signed(OTHER, agent=AGENT, now=NOW, keyid=keyid_of(KEY)))) is None


def test_two_signatures_for_us_are_none() -> None:
    fields = signed(KEY, agent=AGENT, now=NOW)
    twice = fields | {
        name: f"{fields[name]}, {fields[name].replace('sig1', 'sig2')}" for name in ("signature", "signature-input")
    }
    assert who(knowing(), as_sent(twice)) is None


def test_a_signature_for_somebody_else_beside_it_does_not_matter() -> None:
    ours, theirs = signed(KEY, agent=AGENT, now=NOW), signed(OTHER, agent=AGENT, now=NOW, tag="of-the-proxy")
    both = ours | {
        name: f"{theirs[name].replace('sig1', 'sig0')}, {ours[name]}" for name in ("signature", "signature-input")
    }
    assert who(knowing(), as_sent(both)) == AGENT


def test_fields_may_be_in_several_lines() -> None:
    fields = signed(KEY, agent=AGENT, now=NOW)
    theirs = signed(OTHER, agent=AGENT, now=NOW, tag="of-the-proxy")
    more = [(name.encode(), theirs[name].replace("sig1", "sig0").encode()) for name in ("signature", "signature-input")]
    assert who(knowing(), [*more, *as_sent(fields)]) == AGENT
    assert who(knowing(), [*as_sent(fields), (b"signature-agent", f'"{AGENT}"'.encode())]) is None


def test_fields_of_kilobytes_are_not_read() -> None:
    fields = signed(KEY, agent=AGENT, now=NOW)
    long = fields["signature-input"] + ", x=" + "1" * 15 + ";a" * 10_000
    assert who(knowing(), as_sent(fields | {"signature-input": long})) is None


# Nonces -------------------------------------------------------------------------------------------------------------


def test_a_nonce_counts_once_for_each_agent() -> None:
    other = "https://other.example"
    check = knowing(KEY, **{other: Known({keyid_of(OTHER): OTHER.public_key()})})
    sent = as_sent(signed(KEY, agent=AGENT, now=NOW, nonce="n"))
    assert [who(check, sent) for _ in range(2)] == [AGENT, None]
    assert who(check, as_sent(signed(OTHER, agent=other, now=NOW, nonce="n"))) == other
    assert who(check, as_sent(signed(KEY, agent=AGENT, now=NOW, nonce="m"))) == AGENT


def test_a_signature_without_a_nonce_counts_for_as_long_as_it_lasts() -> None:
    check, sent = knowing(), as_sent(signed(KEY, agent=AGENT, now=NOW))
    assert [who(check, sent) for _ in range(2)] == [AGENT] * 2


def test_nonces_are_forgotten_when_their_signatures_have_ended(clock: Clock) -> None:
    check = HttpSignatureVerifier({AGENT: Known({keyid_of(KEY): KEY.public_key()})}, scheme="https", now=clock.now)
    for number in range(5):
        assert who(check, as_sent(signed(KEY, agent=AGENT, now=clock.now(), nonce=str(number)))) == AGENT
    clock.tick(200)
    assert who(check, as_sent(signed(KEY, agent=AGENT, now=clock.now(), nonce="0"))) == AGENT
    assert len(check._nonces) == 1


def test_nonces_without_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "NONCE_CACHE_SIZE", 3)
    check = knowing()
    for number in range(9):
        assert who(check, as_sent(signed(KEY, agent=AGENT, now=NOW, nonce=str(number)))) == AGENT
    assert len(check._nonces) == 3


# Garbage ------------------------------------------------------------------------------------------------------------

VALID = signed(KEY, agent=AGENT, now=NOW)
GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.text(alphabet='sig1=("@authority" signature-agent);:,?*-09.azAZ\'%\\\t', max_size=200).map(str.encode),
)


NAMING = st.tuples(st.sampled_from((b"", b'"', b"sig1=", b'sig1="')), GARBAGE).map(
    lambda parts: AGENT.encode().join((parts[0], b'"' + parts[1]))
)


@given(st.dictionaries(st.sampled_from(sorted(VALID)), GARBAGE | NAMING, min_size=1), st.binary(max_size=50))
def test_garbage_is_never_a_signature_and_never_an_error(garbage: dict[str, bytes], host: bytes) -> None:
    assume(any(given != VALID[name].encode() for name, given in garbage.items()))
    headers = [(name.encode(), garbage.get(name, value.encode())) for name, value in VALID.items()]
    assert who(knowing(), headers) is None
    assert knowing().agent("POST", host.decode("latin-1"), host.decode("latin-1"), headers) is None


@given(st.data())
def test_no_byte_of_a_signature_can_be_changed(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(("signature-agent", "signature-input")))
    value = VALID[name]
    at = data.draw(st.integers(0, len(value) - 1))
    changed = value[:at] + data.draw(st.characters(min_codepoint=33, max_codepoint=126)) + value[at + 1 :]
    assert who(knowing(), as_sent(VALID | {name: changed})) == (AGENT if changed == value else None)


# Directories --------------------------------------------------------------------------------------------------------


class Reading:
    """One agent's directory as a worker reads it."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self.directory, self.clock = directory, clock
        self.keys = AgentKeyDirectory(directory.origin, IssuerClient(), clock=clock.monotonic)

    def __call__(self, key: Ed25519PrivateKey) -> bool:
        return self.keys.key(keyid_of(key)) is not None

    async def settled(self) -> None:
        assert self.keys._fetching is not None
        await asyncio.wait_for(self.keys._fetching, 20)

    @property
    def asked(self) -> int:
        return len(self.directory.asked)


@pytest.fixture
def directory() -> Iterator[Directory]:
    directory = Directory(KEY)
    yield directory
    directory.close()


@pytest.fixture
async def reading(directory: Directory, clock: Clock) -> AsyncIterator[Reading]:
    reading = Reading(directory, clock)
    yield reading
    await reading.keys.close()


async def test_the_first_requests_do_not_wait_for_the_directory(reading: Reading) -> None:
    assert [reading(KEY) for _ in range(3)] == [False] * 3
    await reading.settled()
    assert reading(KEY)
    assert not reading(OTHER), "unknown, and asked for a moment ago"
    assert reading.asked == 1


async def test_a_new_key_is_found_and_an_old_one_forgotten(reading: Reading) -> None:
    reading(KEY)
    await reading.settled()
    reading.directory.keys = [jwk(OTHER)]
    assert not reading(OTHER)
    reading.clock.tick(FAILURE_BACKOFF_SECONDS)
    assert not reading(OTHER)
    await reading.settled()
    assert reading(OTHER)
    assert not reading(KEY)
    assert reading.asked == 2


async def test_keys_count_on_through_an_outage_but_not_for_ever(reading: Reading) -> None:
    reading(KEY)
    await reading.settled()
    reading.directory.down = True
    reading.clock.tick(KEYS_TTL_SECONDS)
    assert reading(KEY), "nobody waits for the newer ones"
    await reading.settled()
    assert reading(KEY)
    reading.clock.tick(STALE_TTL_SECONDS)
    assert not reading(KEY)
    await reading.settled()
    reading.directory.down = False
    reading.clock.tick(FAILURE_BACKOFF_SECONDS)
    assert not reading(KEY)
    await reading.settled()
    assert reading(KEY)


@pytest.mark.parametrize(
    ("said", "fresh"),
    [
        ("max-age=1", MIN_TTL_SECONDS),
        ("public, max-age=7200", 7200),
        ('Max-Age="600"', 600),
        ("max-age=99999999", MAX_TTL_SECONDS),
        ("s-maxage=9", KEYS_TTL_SECONDS),
        ("", KEYS_TTL_SECONDS),
    ],
)
async def test_a_directory_says_for_how_long_it_holds_within_bounds(reading: Reading, said: str, fresh: float) -> None:
    reading.directory.cache_control = said
    reading(KEY)
    await reading.settled()
    reading.clock.tick(fresh - 1)
    assert reading(KEY)
    assert reading.asked == 1
    reading.clock.tick(1)
    assert reading(KEY)
    await reading.settled()
    assert reading.asked == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"media_type": "application/json"},
        {"redirects_to": "http://127.0.0.1:9/elsewhere"},
        {"padding": MAX_RESPONSE_BYTES},
        {"keys": [jwk(KEY)] * (MAX_KEYS + 1)},
        {"keys": "none"},
        {"down": True},
    ],
)
async def test_what_is_no_directory_leaves_the_keys_as_they_are(reading: Reading, wrong: dict[str, Any]) -> None:
    for name, value in wrong.items():
        setattr(reading.directory, name, value)
    reading(KEY)
    await reading.settled()
    assert not reading(KEY)
    assert reading.asked == 1


@pytest.mark.parametrize(
    "wrong", [{"use": "enc"}, {"crv": "X25519"}, {"kty": "EC"}, {"x": 7}, {"x": "short"}, {"x": jwk(KEY)["x"] + "="}]
)
async def test_a_key_that_does_not_sign_is_passed_over(reading: Reading, wrong: dict[str, Any]) -> None:
    reading.directory.keys = [jwk(KEY) | wrong, "no key", jwk(OTHER) | {"kid": "of its own"}]
    reading(KEY)
    await reading.settled()
    assert not reading(KEY)
    assert reading(OTHER), "by its thumbprint, whatever it calls itself"
