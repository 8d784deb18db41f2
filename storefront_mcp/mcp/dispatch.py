"""Dispatch of one request to its method; the answer is bytes, or a stream of messages that ends with the answer."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES
from storefront_mcp.access.stream_quota import StreamQuota
from storefront_mcp.calls.arguments import ignored_arguments
from storefront_mcp.calls.errors import CallError, RateLimited, ScopeMissing, SignedOut, ToolNotOpen
from storefront_mcp.calls.pipeline import ToolCall, check_counted, run_call
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.commerce.error_codes import error_code
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.instrumentation import NULL_OBSERVATION
from storefront_mcp.mcp.caller_views import traits_of
from storefront_mcp.mcp.completion import complete_argument
from storefront_mcp.mcp.errors import credential_error, rate_limited_error, rendering_of
from storefront_mcp.mcp.header_arguments import check_header_arguments
from storefront_mcp.mcp.jsonrpc import JSON_DECODE_ERRORS, ErrorCode, JsonRpcError, error_bytes
from storefront_mcp.mcp.message import accepts_event_stream, check_log_level
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.mcp.prompts import get_prompt
from storefront_mcp.mcp.request import McpRequest, input_required_result, missing_capability_error, tool_context
from storefront_mcp.mcp.request_state import RequestStateSigner
from storefront_mcp.mcp.resources import read_resource
from storefront_mcp.mcp.results import content_result, response_bytes, sign_in_result, tool_error, tool_result
from storefront_mcp.mcp.subscriptions import StreamListener, StreamSubscriptions
from storefront_mcp.mcp.tool_context import ClientToolContext
from storefront_mcp.mcp.versions import HANDSHAKE_VERSIONS, LATEST_HANDSHAKE_VERSION
from storefront_mcp.roadmap.audience import CallerTraits
from storefront_mcp.tools.content import ContentBlocks
from storefront_mcp.tools.tool_context import InputRequired, MissingClientCapability

log: Final = logging.getLogger("storefront_mcp.mcp")
LISTEN_METHOD: Final = "subscriptions/listen"
CALL_METHOD: Final = "tools/call"
TOOL_CALL_ERRORS: Final = (CallError, ShopError, MissingClientCapability)
"""What running a tool raises."""
Method = Callable[[McpRequest], Awaitable[bytes]]


class ResponseStream(Struct, frozen=True):
    """An answer in several messages; the last one is the response."""

    messages: AsyncGenerator[bytes, None]


class EndpointContext(Struct, frozen=True, kw_only=True):
    """What the requests of a store share in one process, whatever the roadmap."""

    shop: Shop
    signer: RequestStateSigner
    subscriptions: StreamSubscriptions
    policy: CallPolicy | None = None
    """None: no rate limits, idempotency or audit."""


def endpoint_context(
    shop: Shop, key: bytes, policy: CallPolicy | None = None, streams: StreamQuota | None = None
) -> EndpointContext:
    """The context of a store; `key` signs `requestState` and is the same in every worker."""
    return EndpointContext(
        shop=shop, signer=RequestStateSigner(key), subscriptions=StreamSubscriptions(streams), policy=policy
    )


def answer_request(
    request: McpRequest, shared: EndpointContext, *, may_stream: bool = True
) -> Awaitable[bytes | ResponseStream]:
    """Answer a request; progress and log messages are dropped unless it `may_stream`.

    Raises JsonRpcError and nothing else, at once or when awaited.
    """
    listens = request.method == LISTEN_METHOD and request.version.list_changed_streams
    method = None if listens else (_LEGACY if request.version.handshake else _MODERN).get(request.method)
    if method is None and not listens:
        raise JsonRpcError(ErrorCode.METHOD_NOT_FOUND, "Method not found", status=404)
    if request.meta.log_level is not UNSET and request.version.result_envelope:
        check_log_level(request.meta)
    if method is None:
        return _subscribe(request, shared.subscriptions)
    streaming = request.prepared.context_tools
    if streaming and method is call_tool and request.params.name in streaming:
        context = tool_context(request, request.params.require("name"))
        request = replace(request, context=context)
        if may_stream and accepts_event_stream(request.headers):
            return _call_with_context(request, context)
    return _dispatch(request, method)


async def _dispatch(request: McpRequest, method: Method) -> bytes:
    """Run a method under instrumentation. Raises JsonRpcError and nothing else."""
    instrumentation = None if request.policy is None else request.policy.instrumentation
    observation = NULL_OBSERVATION if instrumentation is None else instrumentation.observe_request(request)
    try:
        try:
            if request.policy is not None and method in COUNTED_METHODS:
                await check_counted(request.policy, request.caller, request)
            result = await method(request)
        except TOOL_CALL_ERRORS as failure:
            observation.record_outcome(failure.code)
            result = tool_error_result(failure, request)
        return response_bytes(request.id, result)
    except JsonRpcError as error:
        observation.record_error_code(error.code)
        raise
    except Exception:
        log.exception("%s failed", request.method)
        observation.record_error_code(ErrorCode.INTERNAL_ERROR)
        raise JsonRpcError(ErrorCode.INTERNAL_ERROR, "This request failed on our side.", status=200) from None
    except BaseException as error:
        observation.record_outcome(error_code(error))
        raise
    finally:
        observation.end()


async def _call_with_context(request: McpRequest, context: ClientToolContext) -> bytes | ResponseStream:
    """Run a tool with a context: a stream from its first message on, plain bytes if it sends none."""
    running = asyncio.create_task(_dispatch(request, call_tool))
    running.add_done_callback(lambda _: context.finish())
    started = asyncio.create_task(context.started.wait())
    try:
        await asyncio.wait({running, started}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        running.cancel()
        raise
    finally:
        started.cancel()
    return (
        await running
        if running.done() and not context.started.is_set()
        else ResponseStream(_stream(request, context, running))
    )


async def _stream(
    request: McpRequest, context: ClientToolContext, running: "asyncio.Task[bytes]"
) -> AsyncGenerator[bytes, None]:
    try:
        async for message in context.messages():
            yield message
        try:
            yield await running
        except JsonRpcError as error:
            error.answers = request.id
            yield error_bytes(error)
    finally:
        # Only in the modern form a closed stream cancels the call (specification, cancellation).
        if request.version.result_envelope:
            running.cancel()


async def _subscribe(request: McpRequest, subscriptions: StreamSubscriptions) -> ResponseStream:
    if request.params.notifications is UNSET:
        raise JsonRpcError(ErrorCode.INVALID_PARAMS, "params.notifications is missing")
    try:
        requested = msgspec.json.decode(request.params.notifications, type=dict[str, object])
    except JSON_DECODE_ERRORS:
        raise JsonRpcError(ErrorCode.INVALID_PARAMS, "params.notifications must be an object") from None
    wanted = [kind for kind, flag in requested.items() if flag is True]
    traits = traits_of(request, request.shop.store)
    holder = (request.agent or request.address) if request.caller.kind == "guest" else request.caller.identifier
    listener = subscriptions.join(
        request.id,
        wanted,
        traits,
        request.listed.contents,
        holder=holder,
        shows_widgets=request.shows_widgets,
    )
    if listener is None:
        refusal = subscriptions.quota.refusal
        if request.policy is not None:
            request.policy.audit_limited(refusal, request, request.caller)
        raise rate_limited_error(RateLimited(refusal))
    return ResponseStream(subscriptions.messages(listener))


def publish_list_changes(after: Callable[[CallerTraits], PreparedResponses], shared: EndpointContext) -> None:
    """Notify each listener of those of its lists that differ from what they held before."""

    def changes(listener: StreamListener) -> Sequence[str]:
        prepared = after(listener.traits)
        names = (prepared.with_widgets if listener.shows_widgets else prepared).contents
        kinds = listener.names.changes(names)
        listener.names = names
        return kinds

    shared.subscriptions.publish(changes)


async def initialize(request: McpRequest) -> bytes:
    """`initialize`: agree on the client's version, or offer the latest one."""
    requested = request.params.require("protocolVersion")
    return request.listed.initialize_result(HANDSHAKE_VERSIONS.get(requested, LATEST_HANDSHAKE_VERSION))


async def discover(request: McpRequest) -> bytes:
    """`server/discover`."""
    return request.listed.discovery(request.version)


async def ping(request: McpRequest) -> bytes:  # noqa: ARG001 -- every method has the same form
    """`ping`."""
    return b"{}"


async def list_all(request: McpRequest) -> bytes:
    """The list methods, each on one page; `tools/list` has the tools that the caller may call."""
    cursor = request.params.cursor
    # Some clients write null for what they leave out.
    if cursor is not UNSET and bytes(cursor) != b"null":
        raise JsonRpcError(ErrorCode.INVALID_PARAMS, "Unknown cursor: everything fits on one page")
    if request.method == "tools/list":
        return request.listed.tools_for(request.caller, request.version)
    return request.listed.lists[request.method][request.version.id]


async def call_tool(request: McpRequest) -> bytes:
    """`tools/call`. Raises JsonRpcError and TOOL_CALL_ERRORS."""
    name = request.params.require("name")
    version = request.version
    if marked := request.prepared.header_arguments.get(name) if version.result_envelope else None:
        check_header_arguments(marked, request.headers, request.params.arguments)
    arguments = None if request.params.arguments is UNSET else request.params.arguments
    value = await run_call(
        ToolCall(
            tool=name,
            arguments=arguments,
            caller=request.caller,
            roadmap=request.prepared.roadmap,
            shop=request.shop,
            context=request.context,
            policy=request.policy,
            origin=request,
        )
    )
    if isinstance(value, ContentBlocks):
        return content_result(value, version, request.shop.store)
    if isinstance(value, InputRequired):
        return input_required_result(request, name, value)
    ignored = ignored_arguments(arguments)
    notice = f"Ignored, as {name} has no such argument: {', '.join(ignored)}." if ignored else ""
    return tool_result(value, version, request.prepared.meta, notice)


def tool_error_result(error: CallError | ShopError | MissingClientCapability, request: McpRequest) -> bytes:
    """Result with `isError` for a failed tool call. Raises JsonRpcError for errors that are no results."""
    if isinstance(error, ScopeMissing | SignedOut):
        raise _credential_refusal(error, request) from None
    if isinstance(error, MissingClientCapability):
        raise missing_capability_error(error, request.version) from None
    if isinstance(error, RateLimited) and request.method != CALL_METHOD:
        raise rate_limited_error(error) from None
    rendering = rendering_of(error)
    if rendering.form == "error":
        raise JsonRpcError(rendering.code, str(error), status=rendering.status, details={"code": error.code}) from None
    detail = error.detail if isinstance(error, ShopError | RateLimited | ToolNotOpen) else None
    return tool_error(error.code, str(error), detail, request.version, request.prepared.meta)


def _credential_refusal(error: ScopeMissing | SignedOut, request: McpRequest) -> JsonRpcError:
    """The error for a credential; where buyers sign in, with the result that says so to ChatGPT too."""
    roadmap = request.prepared.roadmap
    refusal = credential_error(error, request.caller, roadmap)
    of_buyer = isinstance(error, SignedOut) or error.scope in BUYER_SCOPE_NAMES
    if of_buyer and roadmap.signs_in and request.method == CALL_METHOD:
        refusal.result = sign_in_result(refusal, request.version, request.shop.store)
    return refusal


COUNTED_METHODS: Final[frozenset[Method]] = frozenset((get_prompt, read_resource, complete_argument))
"""Methods that may ask the shop: they count as calls do, each message of a batch by itself."""
_LISTS: Final = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
_SHARED: Final[Mapping[str, Method]] = {
    **dict.fromkeys(_LISTS, list_all),
    CALL_METHOD: call_tool,
    "prompts/get": get_prompt,
    "resources/read": read_resource,
    "completion/complete": complete_argument,
}
_LEGACY: Final[Mapping[str, Method]] = {"initialize": initialize, "ping": ping, **_SHARED}
_MODERN: Final[Mapping[str, Method]] = {"server/discover": discover, **_SHARED}
