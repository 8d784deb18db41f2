"""Verifier of HTTP Message Signatures (RFC 9421) of agents, as in Web Bot Auth."""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import http_sf
from cachetools import TLRUCache
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPSignatureKeyResolver, algorithms

from storefront_mcp.identity.agent_keys import AgentKeyDirectory
from storefront_mcp.message_signatures.message import FieldLines, SignedRequest
from storefront_mcp.message_signatures.verification import ClockedVerifier, validity_end

SIGNATURE_TAG: Final = "web-bot-auth"
AGENT_HEADER: Final = "signature-agent"
SIGNATURE_FIELDS: Final = (b"signature-input", b"signature", AGENT_HEADER.encode())
MAX_SIGNATURE_BYTES: Final = 2_048
"""Longest total of these fields; real ones have about 500 bytes."""
NONCE_CACHE_SIZE: Final = 65_536
"""Nonces in memory; with more than that in a signature's lifetime, the oldest could be used again."""


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, keys: AgentKeyDirectory) -> None:
        self._keys = keys

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        return self._keys.key(key_id)


class HttpSignatureVerifier:
    """`SignatureVerifier` for one store and the agents that its operator lists."""

    def __init__(self, agents: Mapping[str, AgentKeyDirectory], *, scheme: str, now: Callable[[], dt.datetime]) -> None:
        """`agents` by origin; `scheme` is that of the store's origin, as a proxy may have removed TLS."""
        self._agents = agents
        self._origins = [origin.encode() for origin in agents]
        self._scheme = scheme
        self._now = now
        self._nonces: TLRUCache[bytes, int] = TLRUCache(
            NONCE_CACHE_SIZE, lambda _digest, end, _now: end + 1, timer=lambda: now().timestamp()
        )
        """Digests of used nonces, each with the last second of its signature's validity."""

    def agent(self, method: str, host: str, target: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """Origin of the agent with a valid signature, or None. Never raises, never blocks."""
        signed = [(name, value) for name, value in headers if name in SIGNATURE_FIELDS]
        named = b", ".join(value for name, value in signed if name == SIGNATURE_FIELDS[-1]).lower()
        # Checked before anything is parsed.
        if sum(len(value) for _, value in signed) > MAX_SIGNATURE_BYTES or not any(
            origin in named for origin in self._origins
        ):
            return None
        try:
            return self._signer(SignedRequest(method, f"{self._scheme}://{host}{target}", FieldLines(headers)), signed)
        except Exception:  # noqa: BLE001 -- fields that the parsers cannot read are no signature
            return None

    def _signer(self, message: SignedRequest, signed: Sequence[tuple[bytes, bytes]]) -> str | None:
        """As `agent`. Raises InvalidSignature, and what the parsers raise."""
        inputs, _, named = (b", ".join(value for name, value in signed if name == field) for field in SIGNATURE_FIELDS)
        parsed: Any = http_sf.parse(inputs, tltype="dictionary")
        tagged = [components for components, parameters in parsed.values() if parameters.get("tag") == SIGNATURE_TAG]
        # Several signatures could be of different agents.
        origin = _origin(named, tagged[0]) if len(tagged) == 1 else None
        keys = None if origin is None else self._agents.get(origin)
        if keys is None:
            return None
        now = self._now().timestamp()
        found = ClockedVerifier(algorithms.ED25519, _Keys(keys), now, dated=True).verify(
            message, max_age=None, expect_tag=SIGNATURE_TAG, require_components=("@authority",)
        )
        return origin if self._first_use(f"{origin} {found[0].nonce}", found[0].parameters) else None

    def _first_use(self, nonce: str, parameters: Mapping[str, Any]) -> bool:
        """Whether a nonce, if the signature has one, was not used before; records it."""
        if "nonce" not in parameters:
            return True
        key = hashlib.sha256(nonce.encode()).digest()
        if key in self._nonces:
            return False
        self._nonces[key] = validity_end(parameters["created"], parameters["expires"])
        return True


def _origin(named: bytes, components: Sequence[tuple[str, Mapping[str, Any]]]) -> str | None:
    """The origin in `Signature-Agent`, if it is signed: a string, or since draft 05 a dictionary member."""
    covered = [parameters for name, parameters in components if name == AGENT_HEADER]
    if len(covered) != 1:
        return None
    item: Any
    if "key" in covered[0]:
        members: Any = http_sf.parse(named, tltype="dictionary")
        item = members[covered[0]["key"]]
    else:
        item = http_sf.parse(named, tltype="item")
    return item[0].rstrip("/").lower() if isinstance(item[0], str) else None
