"""Verifies signatures of requests: one by one, by the keys of whoever is said to have signed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import http_sf
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, InvalidSignature
from http_message_signatures.algorithms import HTTPSignatureAlgorithm

from storefront_mcp.message_signatures.keys import PublicKey, VerificationKey
from storefront_mcp.message_signatures.message import FieldLines, SignedRequest

MAX_AGE_SECONDS: Final = 300
"""Longest validity after `created`."""
CLOCK_SKEW_SECONDS: Final = 60
"""Accepted difference between the signer's clock and ours."""
MAX_SIGNATURE_BYTES: Final = 4_096
"""Longest total of `Signature-Input` and `Signature`."""
MAX_SIGNATURES: Final = 4
"""That are looked at in one request."""
INPUT_HEADER: Final = b"signature-input"
SIGNATURE_HEADER: Final = b"signature"


def validity_end(created: int, expires: int) -> int:
    """Last second of a signature's validity, in seconds since 1970."""
    return min(created + MAX_AGE_SECONDS, expires) + CLOCK_SKEW_SECONDS


class ClockedVerifier(HTTPMessageVerifier):
    """The library's verifier with the injected clock."""

    def __init__(
        self, algorithm: type[HTTPSignatureAlgorithm], keys: HTTPSignatureKeyResolver, now: float, *, dated: bool
    ) -> None:
        """`now` in seconds since 1970; `dated` wants `created` and `expires` in each signature."""
        super().__init__(signature_algorithm=algorithm, key_resolver=keys)
        self._now = now
        self._dated = dated

    def validate_created_and_expires(self, sig_input: Any, max_age: object = None) -> None:  # noqa: ANN401, ARG002
        """Check validity at this time. Raises InvalidSignature."""
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires")
        if self._dated and (type(created) is not int or type(expires) is not int):
            raise InvalidSignature("wants created and expires")
        # The library has seen that what is there is a whole number.
        begins = int(self._now) if created is None else created
        ends = begins + MAX_AGE_SECONDS if expires is None else expires
        if not begins - CLOCK_SKEW_SECONDS <= self._now <= validity_end(begins, ends):
            raise InvalidSignature("is not valid now")


class RequestSignatures:
    """The signatures of one request, each to be verified alone."""

    def __init__(self, method: str, url: str, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """`url` is absolute and as the client meant it; names of headers are in lower case."""
        self._method = method
        self._url = url
        self._headers = headers
        self._labels = _labels(headers)

    @property
    def key_ids(self) -> frozenset[str]:
        """The keys that they name."""
        named = (member[1].get("keyid") for member, _ in self._labels.values())
        return frozenset(kid for kid in named if isinstance(kid, str))

    def signed_by(
        self,
        find_key: Callable[[str], VerificationKey | None],
        *,
        covering: Sequence[str],
        now: float,
    ) -> str | None:
        """The `keyid` of a signature that holds and covers these components; None without one. Never raises."""
        for label, (inputs, signature) in self._labels.items():
            kid = inputs[1].get("keyid")
            key = find_key(kid) if isinstance(kid, str) else None
            if key is None:
                continue
            others = [line for line in self._headers if line[0] not in {INPUT_HEADER, SIGNATURE_HEADER}]
            alone = [(INPUT_HEADER, {label: inputs}), (SIGNATURE_HEADER, {label: signature})]
            try:
                lines = [*others, *((name, http_sf.ser(member).encode()) for name, member in alone)]
                ClockedVerifier(key.algorithm, _OneKey(key), now, dated=False).verify(
                    SignedRequest(self._method, self._url, FieldLines(lines)), max_age=None, require_components=covering
                )
            except Exception:  # noqa: BLE001, S112 -- fields that the parsers cannot read are no signature
                continue
            return key.kid
        return None


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: VerificationKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> PublicKey:  # noqa: ARG002 -- the library's signature
        return self._key.key


def _labels(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, tuple[Any, Any]]:
    """Label → its member of `Signature-Input` and of `Signature`; empty if they cannot be read."""
    found = [
        b", ".join(value for name, value in headers if name == field) for field in (INPUT_HEADER, SIGNATURE_HEADER)
    ]
    if not all(found) or sum(map(len, found)) > MAX_SIGNATURE_BYTES:
        return {}
    try:
        inputs, signatures = (dict(_dictionary(value)) for value in found)
    except (http_sf.StructuredFieldError, ValueError):
        return {}
    both = [label for label in inputs if label in signatures][:MAX_SIGNATURES]
    return {label: (inputs[label], signatures[label]) for label in both}


def _dictionary(value: bytes) -> Mapping[str, Any]:
    parsed: Any = http_sf.parse(value, tltype="dictionary")
    return parsed  # type: ignore[no-any-return]
