"""Idempotency keys, which every POST and PUT has: a repeat is answered as the first time, for a day."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct

from storefront_mcp.acp.errors import AcpError
from storefront_mcp.calls.agent_protocol import ProtocolResponse
from storefront_mcp.calls.idempotency import IdempotencyRepository, IdempotentCall
from storefront_mcp.calls.tool_runner import ToolRunner

KEY_HEADER: Final = b"idempotency-key"
MAX_KEY_CHARS: Final = 255
IN_FLIGHT_SECONDS: Final = 2
"""After which a repeat of a request that is under way may ask again."""
REPLAYED_HEADER: Final = (b"idempotent-replayed", b"true")


class _KeptAnswer(Struct, frozen=True, array_like=True):
    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


def key_of(fields_key: bytes | None) -> str:
    """The key of a request. Raises AcpError."""
    key = (fields_key or b"").decode("latin-1").strip()
    if not key:
        raise AcpError(HTTPStatus.BAD_REQUEST, "idempotency_key_required", "Idempotency-Key is required.")
    if len(key) > MAX_KEY_CHARS:
        message = f"Idempotency-Key has at most {MAX_KEY_CHARS} characters."
        raise AcpError(HTTPStatus.BAD_REQUEST, "idempotency_key_required", message)
    return key


async def answer_once(
    answers: IdempotencyRepository,
    runner: ToolRunner,
    endpoint: str,
    key: str,
    payload: bytes,
    run: Callable[[], Awaitable[ProtocolResponse]],
) -> ProtocolResponse:
    """The answer of the first request under a key. Raises AcpError.

    `endpoint` is method and path; `payload` is compared with that of the first request. What failed on this side
    (5xx), and what may be asked again later (429), is not kept.
    """
    call = IdempotentCall(
        store=runner.shop.store.id,
        tool=f"acp {endpoint}",
        owner=runner.caller.identifier,
        key=key,
        arguments=payload,
        repeats=True,
    )
    record = await answers.claim(call)
    if record is not None:
        if not record.same:
            message = "Idempotency-Key was used with another body. Send a new key with a new request."
            raise AcpError(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_conflict", message)
        if record.state != "answered":
            message = "The first request under this Idempotency-Key is under way. Ask again."
            raise AcpError(HTTPStatus.CONFLICT, "idempotency_in_flight", message, retry_after=IN_FLIGHT_SECONDS)
        kept = msgspec.json.decode(record.answer, type=_KeptAnswer)
        return ProtocolResponse(status=kept.status, body=kept.body, headers=[*kept.headers, REPLAYED_HEADER])
    try:
        answer = await run()
    except BaseException:
        # The session has an idempotency of its own: the same request again comes to the same.
        await asyncio.shield(answers.release(call))
        raise
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        await answers.release(call)
    else:
        await answers.store_answer(
            call, msgspec.json.encode(_KeptAnswer(answer.status, answer.body, tuple(answer.headers)))
        )
    return answer
