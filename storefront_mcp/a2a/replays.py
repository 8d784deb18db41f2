"""A message that is sent again is answered again, and nothing is done twice: `messageId` is an idempotency key."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from storefront_mcp.a2a.context_ids import is_unguessable
from storefront_mcp.a2a.errors import A2aError, A2aErrorKind, invalid_params
from storefront_mcp.a2a.intents import read_intent
from storefront_mcp.a2a.model import AgentMessage, AgentTask
from storefront_mcp.calls.idempotency import (
    MAX_ANSWER_BYTES,
    IdempotencyRepository,
    IdempotentCall,
    claim,
    release,
)
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.commerce.errors import KeyReused, ShopBusy, ShopOutcomeUnknown

OPERATION: Final = "a2a message"
"""In the place of a tool's name: keys of messages are their own."""

Answer = AgentTask | AgentMessage


class StoredAnswer(Struct, frozen=True, omit_defaults=True):
    """An answer as it is kept."""

    task: AgentTask | None = None
    message: AgentMessage | None = None


async def answer_once(
    message: AgentMessage, modes: Sequence[str], runner: ToolRunner, answer: Callable[[], Awaitable[Answer]]
) -> Answer:
    """The answer of a message, which is kept if the message changes anything. Raises A2aError."""
    call = _call_of(message, modes, runner)
    if call is None or runner.policy is None:
        return await answer()
    answers = runner.policy.answers
    try:
        stored = await claim(call, answers)
    except KeyReused:
        raise invalid_params("message.messageId: was used for another message.") from None
    except ShopBusy as busy:
        said = "The same message is being answered."
        raise A2aError(A2aErrorKind.RATE_LIMITED, said, retry_after=busy.retry_after) from None
    except ShopOutcomeUnknown:
        said = "This message came before, and it is not known what became of it. Look into the cart or the task."
        raise A2aError(A2aErrorKind.INTERNAL_ERROR, said) from None
    if stored is not None:
        replayed = msgspec.json.decode(stored, type=StoredAnswer)
        return replayed.task or replayed.message or await answer()
    try:
        given = await answer()
    except BaseException as error:
        await _give_up(call, answers, error)
        raise
    kept = StoredAnswer(task=given) if isinstance(given, AgentTask) else StoredAnswer(message=given)
    encoded = msgspec.json.encode(kept)
    await (answers.release(call) if len(encoded) > MAX_ANSWER_BYTES else answers.store_answer(call, encoded))
    return given


async def _give_up(call: IdempotentCall, answers: IdempotencyRepository, error: BaseException) -> None:
    if isinstance(error, A2aError) and error.kind is not A2aErrorKind.INTERNAL_ERROR:
        await answers.release(call)
    else:
        await release(call, answers, error)


def _call_of(message: AgentMessage, modes: Sequence[str], runner: ToolRunner) -> IdempotentCall | None:
    """The message under its key; None where it only reads, or where a stranger may well have the same key."""
    tool = runner.roadmap.open_items.get(read_intent(message.parts).tool)
    if tool is None or not tool.writes:
        return None
    owner = runner.caller.identifier
    if runner.caller.kind == "guest":
        place = message.task_id or message.context_id
        if not place and not is_unguessable(message.message_id):
            return None
        owner = f"context:{place}" if place else "guest"
    return IdempotentCall(
        store=runner.shop.store.id,
        tool=OPERATION,
        owner=owner,
        key=message.message_id,
        arguments=msgspec.json.encode([sorted(modes), message.parts, message.context_id, message.task_id]),
        repeats=False,
    )
