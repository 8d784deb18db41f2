"""JSON Web Keys: which ones verify, which ones sign, and that nothing of a private one is told."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, strategies as st

from storefront_mcp.message_signatures.keys import MAX_KEYS, read_keys, read_signing_key
from tests.unit.message_signatures.signing import PLATFORM_KEY, PrivateKey, private_jwk, public_jwk

KEYS: list[PrivateKey] = [PLATFORM_KEY, ec.generate_private_key(ec.SECP384R1()), Ed25519PrivateKey.generate()]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("more", [{}, {"use": "sig"}, {"key_ops": ["verify"]}, {"alg": "whatever"}, {"x5c": ["…"]}])
def test_a_public_key_that_may_sign_is_read(key: PrivateKey, more: dict[str, Any]) -> None:
    assert set(read_keys([public_jwk(key, "one", **more)])) == {"one"}


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": 7},
        {"d": "AAAA"},
        {"kid": None},
        {"kid": 7},
        {"kty": "RSA"},
        {"kty": "oct", "k": "AAAA"},
        {"crv": "P-521"},
        {"crv": "secp256k1"},
        {"x": None},
        {"x": "!"},
        {"x": "A" * 300},
        {"y": 7},
    ],
    ids=str,
)
def test_a_key_that_may_not_is_left_out_and_the_others_are_read(changes: dict[str, Any]) -> None:
    assert set(read_keys([public_jwk(PLATFORM_KEY, "bad") | changes, 7, public_jwk(PLATFORM_KEY, "good")])) == {"good"}


@pytest.mark.parametrize("published", [None, {}, "keys", 7, [None], [[]]])
def test_what_is_no_list_of_keys_has_none(published: object) -> None:
    assert read_keys(published) == {}


def test_no_more_keys_than_the_bound_are_read() -> None:
    assert len(read_keys([public_jwk(PLATFORM_KEY, f"k{number}") for number in range(MAX_KEYS + 5)])) == MAX_KEYS


@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "kid", "use", "key_ops"]), st.text() | st.integers()))
def test_no_key_breaks_the_reader(jwk: dict[str, Any]) -> None:
    assert len(read_keys([jwk])) <= 1


@pytest.mark.parametrize("key", KEYS)
def test_a_signing_key_publishes_its_public_members_only(key: PrivateKey) -> None:
    read = read_signing_key(json.dumps(private_jwk(key, "shop-1") | {"note": "mine"}))

    assert dict(read.public).items() >= public_jwk(key, "shop-1", use="sig").items()
    assert not {"d", "note"} & read.public.keys()
    assert set(read_keys([read.public])) == {"shop-1"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no JSON Web Key"),
        ("[]", "no JSON Web Key"),
        (json.dumps({"kty": "EC", "crv": "P-256"}), 'no "kid"'),
        (json.dumps({"kid": "a", "kty": "RSA"}), "no key of a kind"),
        (json.dumps(public_jwk(PLATFORM_KEY)), "no private key"),
        (json.dumps(private_jwk(PLATFORM_KEY) | {"d": "AAAA"}), "no private key"),
    ],
)
def test_what_is_no_signing_key_is_refused_without_quoting_it(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        read_signing_key(text)
    assert "AAAA" not in str(refused.value)
