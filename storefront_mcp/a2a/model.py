"""Messages, tasks and their parts in the shapes of A2A 1.0 (ProtoJSON), which the older version is translated from."""

from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from storefront_mcp.agent_protocols.a2a import MODES

TaskState = Literal[
    "TASK_STATE_SUBMITTED",
    "TASK_STATE_WORKING",
    "TASK_STATE_INPUT_REQUIRED",
    "TASK_STATE_AUTH_REQUIRED",
    "TASK_STATE_COMPLETED",
    "TASK_STATE_FAILED",
    "TASK_STATE_CANCELED",
    "TASK_STATE_REJECTED",
]
TERMINAL_STATES: Final[frozenset[TaskState]] = frozenset(
    {"TASK_STATE_COMPLETED", "TASK_STATE_FAILED", "TASK_STATE_CANCELED", "TASK_STATE_REJECTED"}
)
TEXT_TYPE, DATA_TYPE = MODES


class MessagePart(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One part: exactly one of `text`, `data`, `url` and `raw`."""

    text: str | UnsetType = UNSET
    data: Any = UNSET
    url: str | UnsetType = UNSET
    raw: str | UnsetType = UNSET
    media_type: str = ""
    filename: str = ""


class AgentMessage(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One message of a conversation."""

    message_id: str
    role: Literal["ROLE_USER", "ROLE_AGENT"]
    parts: tuple[MessagePart, ...]
    context_id: str = ""
    task_id: str = ""
    extensions: tuple[str, ...] = ()


class TaskStatus(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Where a task stands."""

    state: TaskState
    message: AgentMessage | None = None
    timestamp: str
    """RFC 3339, UTC."""


class TaskArtifact(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A result of a task."""

    artifact_id: str
    name: str = ""
    parts: tuple[MessagePart, ...]


class AgentTask(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A purchase in a conversation, or a sign-in that it waits for."""

    id: str
    context_id: str
    status: TaskStatus
    artifacts: tuple[TaskArtifact, ...] = ()


class TaskPage(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer of ListTasks."""

    tasks: tuple[AgentTask, ...]
    next_page_token: str = ""
    page_size: int
    total_size: int


class SendOptions(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a client wants a message to be answered. It waits for no task: all that is asked for is done at once."""

    accepted_output_modes: tuple[str, ...] = ()
    task_push_notification_config: Any = None
    history_length: int | None = None
    return_immediately: bool = False


class SendRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    """The parameters of SendMessage."""

    message: AgentMessage
    configuration: SendOptions | None = None
    metadata: dict[str, Any] | None = None


class GetRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    """The parameters of GetTask and CancelTask."""

    id: str
    history_length: int | None = None


class ListRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    """The parameters of ListTasks."""

    context_id: str = ""
    status: TaskState | Literal["TASK_STATE_UNSPECIFIED", ""] = ""
    page_size: int | None = None
    page_token: str = ""
    history_length: int | None = None
    status_timestamp_after: str = ""
    include_artifacts: bool = False


def text_part(text: str) -> MessagePart:
    """A part of text."""
    return MessagePart(text=text)


def data_part(data: Any) -> MessagePart:  # noqa: ANN401 -- any JSON object
    """A part of data."""
    return MessagePart(data=data, media_type=DATA_TYPE)
