"""Which agent signed a request: HTTP Message Signatures (RFC 9421) as Web Bot Auth uses them."""

import datetime as dt
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import http_sf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)
from msgspec import Struct

from storefront_mcp.identity.agent_keys import AgentKeys

TAG: Final = "web-bot-auth"
AGENT: Final = "signature-agent"
FIELDS: Final = (b"signature-input", b"signature", AGENT.encode())
LONGEST: Final = 2_048
"""Bytes of these fields together that are read; real ones have some five hundred."""
AGE: Final = 300
"""Seconds after `created` that a signature counts, unless it expires sooner."""
SKEW: Final = 60
"""Seconds that the signer's clock may be off."""
REMEMBERED: Final = 65_536
"""Nonces in memory; of more than that within a signature's life, the oldest may be used again."""


class _Message(Struct, frozen=True):
    """A request as the library reads it."""

    method: str
    url: str
    headers: "_Fields"


class _Fields:
    """Every header line in its order; names may repeat."""

    def __init__(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._headers = headers

    def items(self) -> Sequence[tuple[str, str]]:
        """As texts."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._headers]


class _Verifier(HTTPMessageVerifier):
    """The library's, by our clock."""

    def __init__(self, keys: AgentKeys, now: float) -> None:
        super().__init__(signature_algorithm=algorithms.ED25519, key_resolver=_Keys(keys))
        self._now = now

    def validate_created_and_expires(self, sig_input: Any, max_age: object = None) -> None:  # noqa: ANN401, ARG002
        """Whether the signature counts now. Raises InvalidSignature."""
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires")
        if type(created) is not int or type(expires) is not int:
            raise InvalidSignature("wants created and expires")
        if not created - SKEW <= self._now <= _end(created, expires):
            raise InvalidSignature("is not valid now")


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, keys: AgentKeys) -> None:
        self._keys = keys

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        return self._keys.key(key_id)


class AgentSignatures:
    """Implements `calls.limits.Signatures` for one store and the agents that its operator lists."""

    def __init__(self, agents: Mapping[str, AgentKeys], *, scheme: str, now: Callable[[], dt.datetime]) -> None:
        """`agents` by their origins; `scheme` is that of the store's own, which a proxy may have taken off."""
        self._agents = agents
        self._origins = [origin.encode() for origin in agents]
        self._scheme = scheme
        self._now = now
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def agent(self, method: str, host: str, target: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """The agent's origin; None for a request that counts as unsigned. Never raises, never waits."""
        signed = [(name, value) for name, value in headers if name in FIELDS]
        named = b", ".join(value for name, value in signed if name == FIELDS[-1]).lower()
        # Before anything is parsed: strangers can send a lot of these.
        if sum(len(value) for _, value in signed) > LONGEST or not any(origin in named for origin in self._origins):
            return None
        try:
            return self._signer(_Message(method, f"{self._scheme}://{host}{target}", _Fields(headers)), signed)
        except Exception:  # noqa: BLE001 -- whatever a stranger's fields do to the parsers, they are no signature
            return None

    def _signer(self, message: _Message, signed: Sequence[tuple[bytes, bytes]]) -> str | None:
        """Raises what the parsers and InvalidSignature raise."""
        inputs, _, named = (b", ".join(value for name, value in signed if name == field) for field in FIELDS)
        parsed: Any = http_sf.parse(inputs, tltype="dictionary")
        tagged = [components for components, parameters in parsed.values() if parameters.get("tag") == TAG]
        # Of several, each could vouch for another agent.
        origin = _origin(named, tagged[0]) if len(tagged) == 1 else None
        keys = None if origin is None else self._agents.get(origin)
        if keys is None:
            return None
        now = self._now().timestamp()
        found = _Verifier(keys, now).verify(message, max_age=None, expect_tag=TAG, require_components=("@authority",))
        return origin if self._first_use(f"{origin} {found[0].nonce}", found[0].parameters, now) else None

    def _first_use(self, nonce: str, parameters: Mapping[str, Any], now: float) -> bool:
        """Whether this agent's nonce, where the signature has one, is not one of a signature that still counts."""
        if "nonce" not in parameters:
            return True
        while self._seen and next(iter(self._seen.values())) < now:
            self._seen.popitem(last=False)
        key = hashlib.sha256(nonce.encode()).digest()
        if key in self._seen:
            return False
        self._seen[key] = _end(parameters["created"], parameters["expires"])
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True


def _end(created: int, expires: int) -> int:
    """When a signature stops counting, in seconds since 1970."""
    return min(created + AGE, expires) + SKEW


def _origin(named: bytes, components: Sequence[tuple[str, Mapping[str, Any]]]) -> str | None:
    """The origin in `Signature-Agent`, if it is signed: a string, or since draft 05 the member of a dictionary."""
    covered = [parameters for name, parameters in components if name == AGENT]
    if len(covered) != 1:
        return None
    item: Any
    if "key" in covered[0]:
        members: Any = http_sf.parse(named, tltype="dictionary")
        item = members[covered[0]["key"]]
    else:
        item = http_sf.parse(named, tltype="item")
    return item[0].rstrip("/").lower() if isinstance(item[0], str) else None
