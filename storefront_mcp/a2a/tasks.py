"""Tasks of conversations: found, begun and brought up to date from the carts and checkouts behind them."""

import datetime as dt
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.a2a.errors import A2aError, A2aErrorKind
from storefront_mcp.a2a.model import AgentMessage, AgentTask, TaskArtifact, TaskState, TaskStatus
from storefront_mcp.a2a.replies import AgentReply, reply_of, reply_of_error
from storefront_mcp.calls.errors import CallError, CallFailed, RateLimited
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.commerce.checkout import CheckoutStatus, CheckoutView
from storefront_mcp.commerce.errors import (
    CartBeingOrdered,
    CartNotFound,
    CartOrdered,
    CheckoutNotFound,
    ShopError,
)
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.records.agent_tasks import AgentTaskRecord, AgentTaskRepository, AgentTaskState
from storefront_mcp.tools.content import ValueWithLinks

MAX_OPEN_TASKS: Final = 5
"""In one conversation."""
OPEN_STATES: Final[frozenset[AgentTaskState]] = frozenset({"working", "input_required", "auth_required"})
CHECKOUT_STATES: Final[Mapping[CheckoutStatus, AgentTaskState]] = {
    "ready": "input_required",
    "requires_escalation": "input_required",
    "complete_in_progress": "working",
    "completed": "completed",
    "failed": "failed",
    "canceled": "canceled",
}
REFRESH_SECONDS: Final = 86_400
"""After which a task that is used is written anew, so that it lives on."""
STATE_NAMES: Final[Mapping[AgentTaskState, TaskState]] = {
    "working": "TASK_STATE_WORKING",
    "input_required": "TASK_STATE_INPUT_REQUIRED",
    "auth_required": "TASK_STATE_AUTH_REQUIRED",
    "completed": "TASK_STATE_COMPLETED",
    "failed": "TASK_STATE_FAILED",
    "canceled": "TASK_STATE_CANCELED",
}
ENDED_BY: Final[Mapping[type[Exception], AgentTaskState]] = {
    CartOrdered: "completed",
    CartBeingOrdered: "working",
    CartNotFound: "canceled",
    CheckoutNotFound: "canceled",
}
"""What a refusal tells of a purchase that went on, or ended, elsewhere."""
RETURN_TEXT: Final = "Then send the same message again in this task, with Authorization: Bearer."


class ShownTask(Struct, frozen=True, kw_only=True):
    """A task, what is said of it, and the name of the result that says it."""

    record: AgentTaskRecord
    reply: AgentReply | None = None
    """None where nothing was looked up."""
    artifact: str = ""
    """Empty where it is talk and no result."""


class TaskService:
    """The tasks of one store."""

    def __init__(
        self,
        repository: AgentTaskRepository,
        *,
        now: Callable[[], dt.datetime],
        new_id: Callable[[], str] = lambda: f"task_{secrets.token_hex(16)}",
    ) -> None:
        self._repository = repository
        self._now = now
        self._new_id = new_id

    async def find(self, id_: str, runner: ToolRunner) -> AgentTaskRecord:
        """The task of that id, where it is this caller's. Raises A2aError."""
        record = await self._repository.find(id_)
        if record is None or record.owner not in {"", owner_of(runner)}:
            raise A2aError(A2aErrorKind.TASK_NOT_FOUND, "There is no such task, or its life is over.")
        return record

    async def list_context(self, context: str, runner: ToolRunner) -> Sequence[AgentTaskRecord]:
        """The caller's tasks of a conversation, the last changed first."""
        owner = owner_of(runner)
        return [one for one in await self._repository.list_context(context) if one.owner in {"", owner}]

    async def begin(
        self, context: str, runner: ToolRunner, state: AgentTaskState = "input_required", *, cart: str = ""
    ) -> AgentTaskRecord:
        """A new task of a conversation. Raises A2aError where there are too many."""
        held = await self.list_context(context, runner)
        if sum(one.state in OPEN_STATES for one in held) >= MAX_OPEN_TASKS:
            message = f"This conversation has {MAX_OPEN_TASKS} open tasks. Go on with one, or cancel one."
            raise A2aError(A2aErrorKind.UNSUPPORTED_OPERATION, message)
        record = AgentTaskRecord(
            id=self._new_id(),
            context=context,
            state=state,
            cart=CartId(cart),
            owner=owner_of(runner),
            changed_at=self._seconds(),
        )
        await self._repository.put(record)
        return record

    async def update(self, record: AgentTaskRecord, **changes: Any) -> AgentTaskRecord:  # noqa: ANN401 -- its fields
        """The task with these changes, written where they are any."""
        now = self._seconds()
        changed = replace(record, **changes)
        if changed == record and now - record.changed_at < REFRESH_SECONDS:
            return record
        changed = replace(changed, changed_at=now)
        await self._repository.put(changed)
        return changed

    async def refresh(self, record: AgentTaskRecord, runner: ToolRunner) -> ShownTask:
        """The task as it stands now, by its checkout or cart. Raises A2aError for a call beyond the limits."""
        if not record.cart and not record.checkout:
            return ShownTask(record=record, reply=AgentReply(_ended_text(record)))
        tool = "get_order_status" if record.checkout else "view_cart"
        named = {"checkout_id": record.checkout} if record.checkout else {"cart_id": record.cart}
        if record.state == "canceled" and not record.checkout:
            return ShownTask(record=record, reply=AgentReply(_ended_text(record)))
        try:
            value = await run_tool(runner, tool, named)
        except (CallError, ShopError) as error:
            check_protocol_error(error)
            ended = ENDED_BY.get(type(error)) if record.state in OPEN_STATES else None
            changed = record if ended is None else await self.update(record, state=ended)
            return ShownTask(record=changed, reply=reply_of_error(error))
        reply = reply_of(tool, value, runner.roadmap)
        if not isinstance(value, CheckoutView):
            return ShownTask(record=record, reply=reply, artifact="cart")
        changed = await self.update(record, state=CHECKOUT_STATES[value.status])
        return ShownTask(record=changed, reply=reply, artifact=artifact_of(value))

    def show(self, shown: ShownTask, modes: frozenset[str]) -> AgentTask:
        """The task as the protocol has it: what matters stands in the result and in the status, as clients show one."""
        record, parts = shown.record, () if shown.reply is None else shown.reply.parts(modes)
        name = shown.artifact or ("" if record.state in {"canceled", "auth_required"} else "answer")
        artifact = (TaskArtifact(artifact_id=name, name=name, parts=parts),) if name and parts else ()
        said = AgentMessage(
            message_id=secrets.token_hex(16),
            role="ROLE_AGENT",
            parts=parts[:1] if artifact else parts,
            context_id=record.context,
            task_id=record.id,
        )
        status = TaskStatus(
            state=STATE_NAMES[record.state],
            message=said if parts else None,
            timestamp=dt.datetime.fromtimestamp(record.changed_at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        return AgentTask(id=record.id, context_id=record.context, status=status, artifacts=artifact)

    def _seconds(self) -> int:
        return int(self._now().timestamp())


async def run_tool(runner: ToolRunner, tool: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- its value
    """The value of a tool, without the links beside it. Raises CallError and ShopError."""
    value = await runner.run(tool, **arguments)
    return value.value if isinstance(value, ValueWithLinks) else value


def check_protocol_error(error: CallError | ShopError) -> None:
    """Raise A2aError for what no answer of the agent can say: too many calls, and a fault of this server."""
    if isinstance(error, RateLimited):
        raise A2aError(A2aErrorKind.RATE_LIMITED, str(error), retry_after=error.exceeded.retry_after) from None
    if isinstance(error, CallFailed):
        raise A2aError(A2aErrorKind.INTERNAL_ERROR, str(error)) from None


def artifact_of(view: CheckoutView) -> str:
    """The name of the result that a checkout is."""
    return "order" if view.order is not None else "checkout"


def owner_of(runner: ToolRunner) -> str:
    """Whose new tasks are; empty for guests, who have no name."""
    return "" if runner.caller.kind == "guest" else runner.caller.identifier


def _ended_text(record: AgentTaskRecord) -> str:
    if record.state == "auth_required":
        return f"The buyer has to sign in at the shop. {RETURN_TEXT}"
    return "This purchase was given up." if record.state == "canceled" else "This is done."
