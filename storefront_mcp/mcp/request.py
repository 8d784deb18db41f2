"""One MCP request as a method gets it, its tool context, and results that ask the client back."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from storefront_mcp.access.caller import Caller
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.instrumentation import ObservedRequest
from storefront_mcp.mcp.apps import declares_apps, session_declares_apps
from storefront_mcp.mcp.jsonrpc import JSON_DECODE_ERRORS, ErrorCode, JsonRpcError, RequestId
from storefront_mcp.mcp.message import HANDSHAKE_METHOD, RequestMeta, RequestParams
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.mcp.request_state import RequestStateSigner, binding_digest
from storefront_mcp.mcp.results import input_required_bytes
from storefront_mcp.mcp.tool_context import ClientToolContext, json_object
from storefront_mcp.mcp.versions import HANDSHAKE_VERSIONS, ProtocolVersion
from storefront_mcp.tools.tool_context import (
    FormElicitation,
    InputRequired,
    MissingClientCapability,
    RootsRequest,
    SamplingRequest,
    UrlElicitation,
)

REQUIRED_CAPABILITIES: Final[Mapping[type, Mapping[str, Any]]] = {
    FormElicitation: {"elicitation": {}},
    UrlElicitation: {"elicitation": {"url": {}}},
    SamplingRequest: {"sampling": {}},
    RootsRequest: {"roots": {}},
}
"""The client capability that each kind of input request needs."""


class McpRequest(ObservedRequest, frozen=True, kw_only=True):
    """One request with its dependencies."""

    id: RequestId
    params: RequestParams
    meta: RequestMeta
    version: ProtocolVersion
    caller: Caller
    shop: Shop
    prepared: PreparedResponses
    signer: RequestStateSigner
    context: ClientToolContext | None = None
    policy: CallPolicy | None = None
    session_shows_widgets: bool = False
    """Whether the client of the older transport declared so when it opened its session."""

    @property
    def shows_widgets(self) -> bool:
        """Whether the client declared that it shows widgets: by this request, or when it opened its session."""
        if self.version.result_envelope:
            return declares_apps(self.meta.client_capabilities)
        if self.method == HANDSHAKE_METHOD:
            return declares_apps(self.params.capabilities)
        return self.session_shows_widgets or session_declares_apps(self.headers)

    @property
    def listed(self) -> PreparedResponses:
        """The lists for this client."""
        return self.prepared.with_widgets if self.shows_widgets else self.prepared

    @property
    def opens_session(self) -> bool:
        """Whether an `initialize` declared what later requests have to be known by."""
        return HANDSHAKE_VERSIONS[self.protocol].item_meta and self.listed is not self.prepared

    def trace_parent(self) -> Mapping[str, str]:
        """The W3C trace context of its `_meta`."""
        found = {"traceparent": self.meta.traceparent, "tracestate": self.meta.tracestate}
        return {name: value for name, value in found.items() if isinstance(value, str)}


def tool_context(request: McpRequest, subject: str) -> ClientToolContext:
    """The tool context of a call, with the client's answers to the previous round. Raises JsonRpcError."""
    state = None
    if request.params.request_state is not UNSET:
        state = request.signer.verify(request.params.request_state or "", bound_to=_binding(request, subject))
    return ClientToolContext(
        can_ask=request.version.input_required,
        capabilities=json_object(request.meta.client_capabilities),
        answers=json_object(request.params.input_responses),
        state=state,
        progress_token=_progress_token(request.meta.progress_token),
        log_level=(request.meta.log_level or None) if request.version.input_required else None,
    )


def input_required_result(request: McpRequest, subject: str, question: InputRequired) -> bytes:
    """An `input_required` result. Raises JsonRpcError if the version or the client's capabilities do not allow it."""
    if not request.version.input_required:
        raise JsonRpcError(
            ErrorCode.INTERNAL_ERROR, "This needs a question that your protocol version cannot answer", status=200
        )
    declared = json_object(request.meta.client_capabilities)
    for wanted in question.questions.values():
        needed = REQUIRED_CAPABILITIES[type(wanted)]
        if not _declares(declared, needed) or (isinstance(wanted, FormElicitation) and not _takes_forms(declared)):
            raise missing_capability_error(MissingClientCapability(needed), request.version)
    state = None if question.state is None else request.signer.sign(question.state, bound_to=_binding(request, subject))
    return input_required_bytes(question.questions, state, request.shop.store)


def missing_capability_error(error: MissingClientCapability, version: ProtocolVersion) -> JsonRpcError:
    """Error for a missing client capability; versions without `input_required` have no code for it."""
    if not version.input_required:
        return JsonRpcError(ErrorCode.INTERNAL_ERROR, str(error), status=200, details={"code": error.code})
    return JsonRpcError(
        ErrorCode.MISSING_REQUIRED_CLIENT_CAPABILITY,
        str(error),
        status=400,
        details={"requiredCapabilities": error.capabilities},
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


def _progress_token(raw: Raw | UnsetType) -> RequestId | None:
    """A string or integer token; None for anything else (specification, progress)."""
    try:
        return None if raw is UNSET else msgspec.json.decode(raw, type=RequestId)
    except JSON_DECODE_ERRORS:
        return None


def _binding(request: McpRequest, subject: str) -> str:
    return binding_digest(request.method, subject, request.params.arguments, request.caller.identifier)
