"""Idempotency: the same key with the same payload gets the answer that was given, with another one a 409."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from storefront_mcp.calls.errors import CallError, CallFailed
from storefront_mcp.calls.idempotency import MAX_ANSWER_BYTES, IdempotentCall, claim, release
from storefront_mcp.ucp.failures import UNREADABLE, UcpRefusal, unreadable_payload
from storefront_mcp.ucp.request import UcpRequest

MIN_KEY_CHARS: Final = 32
"""As of a UUID without hyphens, which keys are (REST, idempotency); counters and timestamps are shorter."""
MIN_KEY_DISTINCT_CHARS: Final = 8


async def run_once(name: str, request: UcpRequest, run: Callable[[], Awaitable[bytes]], *, repeats: bool) -> bytes:
    """The answer of an operation that changes something: the stored one for a key that was used before.

    `repeats` is whether it may run again after an unknown outcome. Raises KeyReused, ShopBusy, ShopOutcomeUnknown.
    """
    policy = request.runner.policy
    if policy is None or not request.key or not (request.id or is_unguessable(request.key)):
        return await run()
    caller = request.runner.caller
    owner = "" if caller.kind == "guest" else caller.identifier
    call = IdempotentCall(
        store=policy.store,
        tool=f"ucp {name}",
        owner=f"{owner} {request.platform.profile} {request.id}",
        key=request.key,
        arguments=_digest(request),
        repeats=repeats,
    )
    if (replayed := await claim(call, policy.answers)) is not None:
        return bytes(replayed)
    try:
        answer = await run()
    except (UcpRefusal, CallError) as error:
        # Refused before anything was done.
        if isinstance(error, CallFailed):
            await release(call, policy.answers, error)
        else:
            await policy.answers.release(call)
        raise
    except BaseException as error:
        await release(call, policy.answers, error)
        raise
    if len(answer) > MAX_ANSWER_BYTES:
        await policy.answers.release(call)
    else:
        await policy.answers.store_answer(call, answer)
    return answer


def is_unguessable(key: str) -> bool:
    """Whether a key needs no cart or checkout to scope it: who guesses one would be shown somebody else's."""
    return len(key) >= MIN_KEY_CHARS and len(set(key)) >= MIN_KEY_DISTINCT_CHARS


def _digest(request: UcpRequest) -> bytes:
    """Of the release and of what was sent; on MCP in one spelling, as a repeat comes in another message there."""
    payload = request.payload
    if request.over_mcp:
        try:
            value: Any = msgspec.json.decode(payload)
            payload = msgspec.json.encode(value, order="deterministic")
        except UNREADABLE:
            raise unreadable_payload() from None
    return hashlib.sha256(b"%s %s" % (request.release.id.encode(), payload)).digest()
