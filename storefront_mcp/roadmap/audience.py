"""For whom a flag is evaluated: the caller's traits, and the bucket of a caller in a share of all."""

import hashlib
from typing import Final

from msgspec import Struct
from openfeature.evaluation_context import EvaluationContext

BUCKETS: Final = 10_000
"""A share is a percentage, so one bucket is a hundredth of a per cent."""
MAX_CLIENT_CHARS: Final = 200
KIND, CLIENT = "callerKind", "clientProgram"
"""Attributes of the evaluation context, besides `store` and `phase`."""


class CallerTraits(Struct, frozen=True, kw_only=True):
    """What a flag may depend on of a caller. Client programs name themselves, unverified."""

    kind: str = "guest"
    """`guest`, `key`, `token` or `customer`."""
    client: str = ""
    """Name and version of the client program, in lower case; empty when unknown."""
    key: str = ""
    """Stable bucketing key: a digest, so that no address or account reaches a flag provider; empty for nobody."""


STRANGER: Final = CallerTraits()
"""A guest of whom nothing is known: documents say what it would get."""


def caller_traits(store: str, kind: str, client: str, identifier: str) -> CallerTraits:
    """The traits of a caller; `identifier` is its account, or the address that limits count a guest under."""
    key = hashlib.sha256(f"{store}\0{identifier}".encode()).hexdigest()[:32] if identifier else ""
    return CallerTraits(kind=kind, client=client[:MAX_CLIENT_CHARS].lower(), key=key)


def bucket_of(key: str) -> int:
    """The bucket of a key, from 0 to BUCKETS - 1. The same for every phase, so that shares of phases overlap."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % BUCKETS


def evaluation_context(store: str, phase: str, traits: CallerTraits) -> EvaluationContext:
    """The OpenFeature evaluation context of a phase for a caller."""
    attributes = {"store": store, "phase": phase, KIND: traits.kind, CLIENT: traits.client}
    return EvaluationContext(targeting_key=traits.key or None, attributes=attributes)
