"""One request as a method sees it, and the answer of a method that may ask back."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.house import House
from storefront_mcp.calls.watching import Look
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.mcp.catalogue import Catalogue
from storefront_mcp.mcp.jsonrpc import UNREADABLE, Code, Id, Refused
from storefront_mcp.mcp.message import Meta, Params, Text
from storefront_mcp.mcp.results import question_result
from storefront_mcp.mcp.sealing import Seal, digest
from storefront_mcp.mcp.talk import Talk, as_object
from storefront_mcp.mcp.versions import LEGACY, OFFERED, ProtocolVersion
from storefront_mcp.roadmap.conversation import Ask, CapabilityNeeded, Form, OpenUrl, Roots, Sample

LONGEST: Final = 512
"""Bytes of what a client tells of itself that are worth remembering."""
NEEDS: Final[Mapping[type, Mapping[str, Any]]] = {
    Form: {"elicitation": {}},
    OpenUrl: {"elicitation": {"url": {}}},
    Sample: {"sampling": {}},
    Roots: {"roots": {}},
}
"""The client capability behind each kind of question."""


class Asked(Struct, frozen=True, kw_only=True):
    """One request, with everything it may need."""

    id: Id
    method: str
    params: Params
    meta: Meta
    headers: Sequence[tuple[bytes, bytes]]
    version: ProtocolVersion
    caller: Caller
    shop: Shop
    catalogue: Catalogue
    seal: Seal
    talk: Talk | None = None
    house: House | None = None
    address: str = ""
    """The client's, as limits count it."""
    look: Look | None = None
    """Whoever looks on at this request."""

    def program(self) -> bytes:
        """What `client` is read from, unread: the same bytes are the same program."""
        if self.meta.client_info is not UNSET:
            return bytes(self.meta.client_info)
        for key, value in self.headers:
            if key == b"user-agent":
                return value
        return b""

    def client(self) -> str:
        """Name and version of the program; the handshake era tells them once, and later only its user agent."""
        told = self.meta.client_info
        return ("" if told is UNSET else _program_named(bytes(told))) or self._header(b"user-agent")

    def request_id(self) -> str:
        """The id that a proxy or the client gave the request."""
        return self._header(b"x-request-id")

    @property
    def protocol(self) -> str:
        """The version, as it is written; of a handshake, what it comes to."""
        if self.method == "initialize":
            return LEGACY.get(self.params.protocol_version or "", OFFERED).id
        return self.version.id

    def named(self) -> str:
        """The tool or prompt that it names; empty where it names none."""
        return self.params.name or ""

    def trace(self) -> Mapping[str, str]:
        """The W3C trace context of its `_meta`."""
        found = {"traceparent": self.meta.traceparent, "tracestate": self.meta.tracestate}
        return {name: value for name, value in found.items() if isinstance(value, str)}

    def ambient(self) -> Mapping[str, str]:
        """The same of the HTTP request that carried it."""
        found = {"traceparent": self._header(b"traceparent"), "tracestate": self._header(b"tracestate")}
        return {name: value for name, value in found.items() if value}

    def _header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    def subject(self, value: Text, name: str) -> str:
        """A string parameter that must be there. Raises Refused."""
        if not isinstance(value, str):
            raise Refused(Code.INVALID_PARAMS, f"params.{name} must be a string")
        return value


def _program_named(told: bytes) -> str:
    """Name and version, as a client tells them; clients say the same each time, so it is read once."""
    return _read_name(told) if len(told) > LONGEST else _known_name(told)


def _read_name(told: bytes) -> str:
    said = as_object(Raw(told))
    return f"{said.get('name', '')} {said.get('version', '')}".strip()


_known_name: Final = lru_cache(maxsize=256)(_read_name)


def line_to_client(asked: Asked, subject: str) -> Talk:
    """The conversation of a call, with what the client answered to the round before. Raises Refused."""
    state = None
    if asked.params.request_state is not UNSET:
        state = asked.seal.opened(asked.params.request_state or "", bound_to=_binding(asked, subject))
    return Talk(
        can_ask=asked.version.answers_questions,
        capabilities=as_object(asked.meta.client_capabilities),
        answers=as_object(asked.params.input_responses),
        state=state,
        progress_token=_progress_token(asked.meta.progress_token),
        log_level=(asked.meta.log_level or None) if asked.version.answers_questions else None,
    )


def asked_back(asked: Asked, subject: str, question: Ask) -> bytes:
    """The result that asks the client. Raises Refused when it cannot be asked that."""
    if not asked.version.answers_questions:
        raise Refused(Code.INTERNAL_ERROR, "This needs a question that your protocol version cannot answer", status=200)
    declared = as_object(asked.meta.client_capabilities)
    for wanted in question.questions.values():
        needed = NEEDS[type(wanted)]
        if not _declares(declared, needed) or (isinstance(wanted, Form) and not _takes_forms(declared)):
            raise capability_missing(CapabilityNeeded(needed), asked.version)
    sealed = None if question.state is None else asked.seal.seal(question.state, bound_to=_binding(asked, subject))
    return question_result(question.questions, sealed, asked.shop.store)


def capability_missing(error: CapabilityNeeded, version: ProtocolVersion) -> Refused:
    """The refusal of a call that its client cannot see through; only versions that ask have a code for it."""
    if not version.answers_questions:
        return Refused(Code.INTERNAL_ERROR, str(error), status=200)
    return Refused(
        Code.MISSING_CAPABILITY, str(error), status=400, details={"requiredCapabilities": error.capabilities}
    )


def _declares(declared: Any, needed: Any) -> bool:  # noqa: ANN401 -- any JSON
    """Whether every member of `needed` is declared, at every depth."""
    if not isinstance(declared, Mapping):
        return False
    return all(key in declared and _declares(declared[key], inner) for key, inner in needed.items())


def _takes_forms(declared: Mapping[str, Any]) -> bool:
    """Whether elicitation was declared for forms: by name, or by naming no mode at all (specification, elicitation)."""
    modes = declared["elicitation"]
    return not modes or "form" in modes


def _progress_token(raw: Raw | UnsetType) -> Id | None:
    """A token that a notification may repeat; anything else is none (specification, progress)."""
    try:
        return None if raw is UNSET else msgspec.json.decode(raw, type=Id)
    except UNREADABLE:
        return None


def _binding(asked: Asked, subject: str) -> str:
    return digest(asked.method, subject, asked.params.arguments, asked.caller.identifier)
