"""The pipeline of a tool call: open, authorised, within limits, arguments valid, idempotent; run, and audit."""

import logging
from typing import Any, Final, NoReturn

from msgspec import Raw, Struct
from msgspec.structs import replace

from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.access.rate_limits import LimitExceeded
from storefront_mcp.access.scopes import has_scope
from storefront_mcp.calls.arguments import cart_of, read_arguments
from storefront_mcp.calls.errors import (
    ArgumentsRefused,
    CallError,
    CallFailed,
    RateLimited,
    ScopeMissing,
    SignedOut,
    ToolNotOpen,
    UnknownTool,
)
from storefront_mcp.calls.idempotency import claim, complete, idempotent_call, release
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.commerce.customers import SessionOver
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.records.audit import AuditUnavailable
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.tools.tool import AS_CUSTOMER, Tool
from storefront_mcp.tools.tool_context import MissingClientCapability, ToolContext

log: Final = logging.getLogger("storefront_mcp.calls")
NO_REQUEST: Final = RequestOrigin()
"""The origin of a call without an HTTP request."""


class ToolCall(Struct, frozen=True, kw_only=True):
    """One call of one tool, under the roadmap its request began with."""

    tool: str
    arguments: Raw | None
    caller: Caller
    roadmap: Roadmap
    shop: Shop
    context: ToolContext | None = None
    policy: CallPolicy | None = None
    """The store's call policy; without one nothing is rate-limited, replayed or audited."""
    origin: RequestOrigin = NO_REQUEST


async def run_call(call: ToolCall) -> Any:  # noqa: ANN401 -- whatever value the tool returns
    """Run a tool and return its value. Raises CallError, ShopError and MissingClientCapability, nothing else.

    With a policy, a call of a writing tool runs once per idempotency key and is audited whatever its outcome.
    """
    tool, policy = open_tool(call), call.policy
    audit = policy if tool.writes else None
    began, arguments, invalid, exceeded = 0.0, None, None, None
    if audit is not None:
        try:
            await audit.audit_sink.wait_for_capacity()
        except AuditUnavailable:
            raise CallFailed from None
        began = audit.clock()
    try:
        try:
            arguments = read_arguments(call.arguments, tool.arguments)
        except ArgumentsRefused as error:
            invalid = error
        # A call with invalid arguments is counted too.
        if policy is not None:
            cart, kind = (None, None) if arguments is None else (cart_of(arguments), tool.scarce_action)
            exceeded = await policy.limits.check_call(call.origin, call.caller, cart=cart, kind=kind)
        if exceeded is not None or arguments is None:
            _refuse(call, exceeded, invalid)
        # Nearly always a guest, who asks for nothing in anybody's name, while nothing is paused.
        plain = call.caller is GUEST and getattr(arguments, AS_CUSTOMER, None) is None and not call.roadmap.pause_text
        shop = call.shop if plain else _shop_of(call, tool, arguments)
        inputs = (arguments, shop, call.context) if tool.wants_context else (arguments, shop)
        value = await (tool.run(*inputs) if audit is None else _run_once(call, tool, inputs, audit))
    except BaseException as error:
        if audit is not None:
            audit.record_failure(tool, arguments, call.caller, call.origin, began, error)
        if (told := _told_instead(error, tool)) is not None:
            raise told from None
        raise
    if audit is not None:
        await audit.record_success(tool, arguments, call.caller, call.origin, began)
    return value


async def check_counted(policy: CallPolicy, caller: Caller, origin: RequestOrigin) -> None:
    """Count a request that is no tool call and may ask the shop as much as one. Raises RateLimited."""
    exceeded = await policy.limits.check_call(origin, caller)
    if exceeded is not None:
        policy.audit_limited(exceeded, origin, caller)
        raise RateLimited(exceeded)


def open_tool(call: ToolCall) -> Tool:
    """The tool of a call, open and authorised. Raises UnknownTool, ToolNotOpen and ScopeMissing."""
    tool = call.roadmap.open_items.get(call.tool)
    if tool is None:
        promised = call.roadmap.phase_of(call.tool)
        if promised is None:
            raise UnknownTool(call.tool)
        seconds = call.shop.store.pause_retry_seconds
        raise ToolNotOpen(call.tool, promised, phases=call.roadmap.phases, retry_after=seconds)
    scope = call.roadmap.requirements.get(tool.name)
    if scope is not None and not has_scope(call.caller, scope):
        if call.policy is not None and tool.writes:
            call.policy.audit_forbidden(tool, call.caller, call.origin)
        raise ScopeMissing(tool.name, scope)
    return tool


def _shop_of(call: ToolCall, tool: Tool, arguments: Struct) -> Shop:
    """The shop as the caller has it, who may have signed in, and what of it is closed for now.

    Raises ScopeMissing for what is explicitly asked for in a customer's name without their permission.
    """
    caller = call.caller
    scope = call.roadmap.optional_scopes.get(tool.name)
    if scope is not None and getattr(arguments, AS_CUSTOMER, None) is True and not has_scope(caller, scope):
        raise ScopeMissing(tool.name, scope)
    paused = call.roadmap.pause_text
    shop = replace(call.shop, closed=paused) if paused else call.shop
    if caller.kind != "customer":
        return shop
    # While nobody can sign in, who has is served as a guest, and keeps what is theirs.
    scopes = caller.scopes if call.roadmap.signs_in else frozenset()
    return shop.for_customer(caller.principal, grant=caller.grant, scopes=scopes)


def _refuse(call: ToolCall, exceeded: LimitExceeded | None, invalid: ArgumentsRefused | None) -> NoReturn:
    if exceeded is not None and call.policy is not None:
        call.policy.audit_limited(exceeded, call.origin, call.caller)
        raise RateLimited(exceeded)
    raise invalid or ArgumentsRefused


async def _run_once(call: ToolCall, tool: Tool, inputs: tuple[Any, ...], policy: CallPolicy) -> Any:  # noqa: ANN401 -- as above
    """Run a writing tool; under an idempotency key, replay its stored answer, undecoded."""
    keyed = None
    if tool.server_idempotency:
        keyed = idempotent_call(policy.store, tool.name, inputs[0], call.caller, repeats=tool.idempotent)
    if keyed is None:
        return await tool.run(*inputs)
    if (replayed := await claim(keyed, policy.answers)) is not None:
        return replayed
    try:
        value = await tool.run(*inputs)
    except BaseException as error:
        await release(keyed, policy.answers, error)
        raise
    await complete(keyed, policy.answers, value)
    return value


def _told_instead(error: BaseException, tool: Tool) -> CallError | None:
    """Log a failure; what the client is told instead of it, of a session that is over and of a fault of this server."""
    if isinstance(error, ShopError | SessionOver):
        log.info("%s: %s: %s", tool.name, error.code, error.internal)
        return SignedOut() if isinstance(error, SessionOver) else None
    if not isinstance(error, Exception) or isinstance(error, CallError | MissingClientCapability):
        return None
    log.error("%s failed", tool.name, exc_info=error)
    return CallFailed()
