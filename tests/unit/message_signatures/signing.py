"""A platform that signs its requests, and its keys as it publishes them."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from storefront_mcp.message_signatures.digests import content_digest
from storefront_mcp.message_signatures.keys import ALGORITHMS

PrivateKey = ec.EllipticCurvePrivateKey | Ed25519PrivateKey
PLATFORM_KEY = ec.generate_private_key(ec.SECP256R1())
NOW = dt.datetime(2026, 11, 30, 9, 0, tzinfo=dt.UTC)
COVERED = ("@method", "@authority", "@path", "@query", "ucp-agent", "idempotency-key", "content-digest", "content-type")


def private_jwk(key: PrivateKey, kid: str = "platform-1") -> dict[str, Any]:
    kind = OKPAlgorithm if isinstance(key, Ed25519PrivateKey) else ECAlgorithm
    return {**json.loads(kind.to_jwk(key)), "kid": kid}  # type: ignore[arg-type]


def public_jwk(key: PrivateKey, kid: str = "platform-1", **more: Any) -> dict[str, Any]:
    return {
        name: value for name, value in private_jwk(key, kid).items() if name in {"kty", "crv", "x", "y", "kid"}
    } | more


class SentRequest:
    """What the library signs."""

    def __init__(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.method = method
        self.url = url
        self.headers = headers


def signed_headers(
    key: PrivateKey = PLATFORM_KEY,
    *,
    method: str = "POST",
    url: str = "https://pickle.example/ucp/carts?x=1",
    body: bytes = b'{"line_items": []}',
    kid: str = "platform-1",
    covered: Sequence[str] = COVERED,
    created: dt.datetime | None = NOW,
    label: str = "sig1",
    headers: dict[str, str] | None = None,
    **more: Any,
) -> list[tuple[bytes, bytes]]:
    """The headers of a signed request; without changes, one that holds."""
    fields = headers or {
        "ucp-agent": 'profile="https://platform.example/profile.json"',
        "idempotency-key": "0c7e0d4e-6f0b-4f0e-9d55-2f6a3d0f1b11",
        "content-type": "application/json",
        "content-digest": content_digest(body),
    }
    request = SentRequest(method, url, dict(fields))
    jwk = public_jwk(key)
    signer = HTTPMessageSigner(
        signature_algorithm=ALGORITHMS[jwk["kty"], jwk["crv"]][1],
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={kid: key}),
    )
    signer.sign(
        request,
        key_id=kid,
        created=created,
        label=label,
        include_alg=False,
        use_existing_digest="content-digest" in fields,
        covered_component_ids=covered,
        **more,
    )
    host = url.split("/")[2]
    return [
        (b"host", host.encode()),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in request.headers.items()),
    ]
