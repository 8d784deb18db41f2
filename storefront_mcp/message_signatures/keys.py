"""JSON Web Keys (RFC 7517) that sign HTTP messages: ES256, ES384 and Ed25519, each with its one algorithm."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import algorithms
from msgspec import Struct

SignatureAlgorithm = type[algorithms.HTTPSignatureAlgorithm]
PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey
PublicKey = EllipticCurvePublicKey | Ed25519PublicKey

ALGORITHMS: Final[Mapping[tuple[str, str], tuple[str, SignatureAlgorithm]]] = {
    ("EC", "P-256"): ("ES256", algorithms.ECDSA_P256_SHA256),
    ("EC", "P-384"): ("ES384", algorithms.ECDSA_P384_SHA384),
    ("OKP", "Ed25519"): ("EdDSA", algorithms.ED25519),
}
"""Key type and curve → its name in JOSE, and how messages are signed with it."""
PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y", "kid", "alg", "use")
MAX_MEMBER_CHARS: Final = 256
MAX_KEYS: Final = 32


class VerificationKey(Struct, frozen=True):
    """A public key, and the algorithm that follows from it."""

    kid: str
    key: PublicKey
    algorithm: SignatureAlgorithm


class SigningKey(Struct, frozen=True):
    """A private key of a store, and what is published of it."""

    kid: str
    key: PrivateKey
    algorithm: SignatureAlgorithm
    public: Mapping[str, str]
    """The JWK without its private members."""


def read_keys(published: object) -> Mapping[str, VerificationKey]:
    """The keys of a JWK set's `keys` that may verify signatures, by `kid`. What cannot be read is left out."""
    if not isinstance(published, Sequence) or isinstance(published, str | bytes):
        return {}
    read = [_verification_key(jwk) for jwk in published[:MAX_KEYS] if isinstance(jwk, Mapping)]
    return {key.kid: key for key in read if key is not None}


def read_signing_key(text: str) -> SigningKey:
    """The private key in a JWK. Raises ValueError, whose text holds nothing of the key."""
    try:
        jwk = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise ValueError("it is no JSON Web Key: wants a JSON object") from None
    kid, named = jwk.get("kid"), ALGORITHMS.get((str(jwk.get("kty")), str(jwk.get("crv"))))
    if not isinstance(kid, str) or not kid:
        raise ValueError('the key has no "kid", under which platforms find it')
    if named is None:
        raise ValueError('it is no key of a kind that signs: wants "kty" EC with "crv" P-256 or P-384, or OKP Ed25519')
    key = _load(jwk, named[0])
    if not isinstance(key, PrivateKey):
        raise ValueError('it is no private key: wants the member "d" too')  # noqa: TRY004 -- of the text, not of a type
    public: dict[str, str] = {name: str(jwk[name]) for name in PUBLIC_MEMBERS if name in jwk}
    return SigningKey(kid, key, named[1], {**public, "use": "sig", "alg": named[0]})


def _verification_key(jwk: Mapping[str, object]) -> VerificationKey | None:
    """A JWK as a key; None if it is private, for something else, or not of a known kind."""
    members = {name: value for name, value in jwk.items() if name in PUBLIC_MEMBERS}
    operations = jwk.get("key_ops", ["verify"])
    named = ALGORITHMS.get((str(jwk.get("kty")), str(jwk.get("crv"))))
    kid = jwk.get("kid")
    if (
        named is None
        or not isinstance(kid, str)
        or "d" in jwk
        or jwk.get("use", "sig") != "sig"
        or not isinstance(operations, Sequence)
        or "verify" not in operations
        or any(not isinstance(value, str) or len(value) > MAX_MEMBER_CHARS for value in members.values())
    ):
        return None
    key = _load(members, named[0])
    return VerificationKey(kid, key, named[1]) if isinstance(key, PublicKey) else None


def _load(jwk: Mapping[str, Any], algorithm: str) -> object:
    """The key of a JWK; None if it is none."""
    try:
        return jwt.PyJWK({**jwk, "alg": algorithm}, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
