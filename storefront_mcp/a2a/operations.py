"""The operations of the protocol, alike in every binding and version."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from storefront_mcp.a2a.errors import A2aError, A2aErrorKind, invalid_params
from storefront_mcp.a2a.model import AgentTask, GetRequest, ListRequest, SendOptions, TaskPage
from storefront_mcp.a2a.replays import answer_once
from storefront_mcp.a2a.request_decoding import check_modes, read_params, read_send
from storefront_mcp.a2a.response_encoding import page_result, send_result, task_result
from storefront_mcp.a2a.store_agent import StoreAgent
from storefront_mcp.a2a.tasks import OPEN_STATES, STATE_NAMES, ShownTask, check_protocol_error
from storefront_mcp.a2a.versions import A2aVersion, Operation
from storefront_mcp.agent_protocols.a2a import MODES
from storefront_mcp.calls.errors import CallError
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.commerce.errors import ShopError

ALL_MODES: Final = frozenset(MODES)
DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 100
REFUSALS: Final[Mapping[Operation, tuple[A2aErrorKind, str]]] = {
    "stream": (A2aErrorKind.UNSUPPORTED_OPERATION, "This agent does not stream: send the message, and poll the task."),
    "subscribe": (A2aErrorKind.UNSUPPORTED_OPERATION, "This agent does not stream: poll the task."),
    "push": (A2aErrorKind.PUSH_NOTIFICATION_NOT_SUPPORTED, "This agent notifies nobody: poll the task."),
}
NO_PUSH: Final = "This agent notifies nobody. Leave the push notification configuration out, and poll the task."


class AgentOperations:
    """What clients ask of the agent of one store."""

    def __init__(self, agent: StoreAgent) -> None:
        self._agent = agent
        self._tasks = agent.tasks

    async def perform(self, operation: Operation, params: Any, version: A2aVersion, runner: ToolRunner) -> Any:  # noqa: ANN401 -- JSON
        """The result of an operation, as JSON. Raises A2aError."""
        if operation in REFUSALS:
            raise A2aError(*REFUSALS[operation])
        if operation == "extended_card":
            raise A2aError(version.no_extended_card, "The public agent card is all there is.")
        if not runner.roadmap.answers:
            raise _closed_error(runner)
        if operation == "send":
            return await self._send(params, version, runner)
        if operation == "list":
            return await self._list(read_params(params, ListRequest), runner)
        request = read_params(params, GetRequest)
        _check_length(request.history_length)
        record = await self._tasks.find(request.id, runner)
        if operation == "get":
            return task_result(self._task_view(await self._tasks.refresh(record, runner)), version)
        try:
            canceled = await self._agent.cancel(record, runner)
        except (CallError, ShopError) as error:
            check_protocol_error(error)
            raise A2aError(A2aErrorKind.TASK_NOT_CANCELABLE, str(error)) from None
        return task_result(self._task_view(canceled), version)

    async def _send(self, params: Any, version: A2aVersion, runner: ToolRunner) -> Any:  # noqa: ANN401 -- JSON
        request = read_send(params, version)
        options = request.configuration or SendOptions()
        _check_length(options.history_length)
        modes = check_modes(options)
        if options.task_push_notification_config is not None:
            raise A2aError(A2aErrorKind.PUSH_NOTIFICATION_NOT_SUPPORTED, NO_PUSH)
        answer = await answer_once(
            request.message,
            tuple(modes),
            runner,
            lambda: self._agent.answer(request.message, runner, modes, foreign_contexts=version.foreign_contexts),
        )
        return send_result(answer, version)

    async def _list(self, request: ListRequest, runner: ToolRunner) -> Any:  # noqa: ANN401 -- JSON
        """A page of the tasks of one conversation; without its id nothing is listed, as it is the secret."""
        size = DEFAULT_PAGE_SIZE if request.page_size is None else request.page_size
        if not 1 <= size <= MAX_PAGE_SIZE:
            raise invalid_params(f"pageSize: wanted 1 to {MAX_PAGE_SIZE}.")
        _check_length(request.history_length)
        start = _position(request.page_token)
        since = _instant(request.status_timestamp_after)
        held = await self._tasks.list_context(request.context_id, runner) if request.context_id else ()
        shown = [
            await self._tasks.refresh(one, runner)
            if one.state in OPEN_STATES and (one.checkout or request.include_artifacts)
            else ShownTask(record=one)
            for one in held
        ]
        wanted = request.status if request.status not in {"", "TASK_STATE_UNSPECIFIED"} else None
        found = [
            one
            for one in sorted(shown, key=lambda one: -one.record.changed_at)
            if (wanted is None or STATE_NAMES[one.record.state] == wanted) and one.record.changed_at >= since
        ]
        page = found[start : start + size]
        tasks = [self._task_view(one) for one in page]
        if not request.include_artifacts:
            tasks = [replace(one, artifacts=()) for one in tasks]
        more = start + size < len(found)
        return page_result(
            TaskPage(
                tasks=tuple(tasks),
                next_page_token=str(start + size) if more else "",
                page_size=size,
                total_size=len(found),
            )
        )

    def _task_view(self, task: ShownTask) -> AgentTask:
        return self._tasks.show(task, ALL_MODES)


def _check_length(sent: int | None) -> None:
    """Whether it is a length of a history, of which none is kept."""
    if sent is not None and sent < 0:
        raise invalid_params("historyLength: wanted 0 or more.")


def _position(token: str) -> int:
    if not token:
        return 0
    if not (token.isascii() and token.isdecimal() and len(token) <= 4):  # noqa: PLR2004 -- tasks of a conversation are few
        raise invalid_params("pageToken: send nextPageToken unchanged.")
    return int(token)


def _instant(sent: str) -> float:
    """Unix seconds of a timestamp, of whose fraction nothing is kept."""
    if not sent:
        return 0
    try:
        return int(dt.datetime.fromisoformat(sent).astimezone(dt.UTC).timestamp())
    except (ValueError, OverflowError):
        raise invalid_params("statusTimestampAfter: wanted a timestamp as of RFC 3339.") from None


def _closed_error(runner: ToolRunner) -> A2aError:
    """Nothing is open now."""
    pause, store = runner.roadmap.pause, runner.shop.store
    said = "Nothing is open here yet." if pause is None else pause.sentences
    return A2aError(A2aErrorKind.CLOSED, said, retry_after=store.pause_retry_seconds)
