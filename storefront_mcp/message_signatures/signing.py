"""Signs answers of a store by its own key."""

import datetime as dt
from collections.abc import Callable, Sequence

from http_message_signatures import HTTPMessageSigner, MappingKeyResolver

from storefront_mcp.message_signatures.digests import DIGEST_HEADER, content_digest
from storefront_mcp.message_signatures.keys import SigningKey
from storefront_mcp.message_signatures.message import SignedAnswer


class AnswerSigner:
    """Signs whole answers: status, type, and the digest of the body."""

    def __init__(self, key: SigningKey, *, now: Callable[[], dt.datetime]) -> None:
        self._kid = key.kid
        self._now = now
        self._signer = HTTPMessageSigner(
            signature_algorithm=key.algorithm,
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={key.kid: key.key}),
        )

    def signature_fields(self, status: int, body: bytes, media_type: bytes) -> Sequence[tuple[bytes, bytes]]:
        """`Content-Digest`, `Signature-Input` and `Signature` of an answer, whose body must then go out as it is."""
        answer = SignedAnswer(
            status, {"content-type": media_type.decode("latin-1"), DIGEST_HEADER: content_digest(body)}
        )
        self._signer.sign(
            answer,
            key_id=self._kid,
            created=self._now(),
            label="sig1",
            include_alg=False,
            use_existing_digest=True,
            covered_component_ids=("@status", DIGEST_HEADER, "content-type"),
        )
        return [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in answer.headers.items()
            if name != "content-type"
        ]
