"""Answers of a store that are signed, and digests of bodies."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver

from storefront_mcp.message_signatures.digests import MAX_DIGEST_BYTES, content_digest, is_digest_of
from storefront_mcp.message_signatures.keys import read_signing_key
from storefront_mcp.message_signatures.message import SignedAnswer
from storefront_mcp.message_signatures.signing import AnswerSigner
from tests.unit.message_signatures.signing import NOW, PLATFORM_KEY, PrivateKey, private_jwk

BODY = b'{"id":"chk_1"}'


class Undated(HTTPMessageVerifier):
    """Any time is right."""

    def validate_created_and_expires(self, sig_input: object, max_age: object = None) -> None:
        """Nothing to check."""


@pytest.mark.parametrize("key", [PLATFORM_KEY, ec.generate_private_key(ec.SECP384R1()), Ed25519PrivateKey.generate()])
def test_a_signed_answer_verifies_with_the_published_key_and_no_other_status_does(key: PrivateKey) -> None:
    signing = read_signing_key(json.dumps(private_jwk(key, "shop-1")))
    fields = AnswerSigner(signing, now=lambda: NOW).signature_fields(200, BODY, b"application/json")
    sent = {name.decode(): value.decode() for name, value in fields}

    assert list(sent) == ["content-digest", "signature-input", "signature"]
    assert sent["signature-input"] == (
        f'sig1=("@status" "content-digest" "content-type");created={int(NOW.timestamp())};keyid="shop-1"'
    )
    verifier = Undated(
        signature_algorithm=signing.algorithm,
        key_resolver=MappingKeyResolver(public_keys={"shop-1": key.public_key()}, private_keys={}),
    )
    headers = {"content-type": "application/json", **sent}
    (found,) = verifier.verify(SignedAnswer(200, headers), max_age=None, body=BODY)
    assert found.label == "sig1"
    with pytest.raises(InvalidSignature):
        verifier.verify(SignedAnswer(201, headers), max_age=None)


def test_a_signature_of_p_256_has_64_raw_bytes() -> None:
    signing = read_signing_key(json.dumps(private_jwk(PLATFORM_KEY)))
    *_, (_, value) = AnswerSigner(signing, now=lambda: NOW).signature_fields(200, BODY, b"application/json")

    # 64 bytes are 88 characters of base64.
    assert len(value.removeprefix(b"sig1=:").removesuffix(b":")) == 88


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        (content_digest(BODY).encode(), True),
        (content_digest(BODY + b" ").encode(), False),
        (b"md5=:AAAA:", False),
        (b"md5=:AAAA:, " + content_digest(BODY).encode(), True),
        (b"sha-512=:AAAA:, " + content_digest(BODY).encode(), False),
        (b"sha-256=7", False),
        (b"sha-256=(", False),
        (b"", False),
        (content_digest(BODY).encode() + b" " * MAX_DIGEST_BYTES, False),
    ],
)
def test_a_digest_is_of_the_bytes_that_arrived(value: bytes, holds: bool) -> None:
    assert is_digest_of(value, BODY) is holds
