"""Writing of answers in the shapes of each version."""

from typing import Any, Final

import msgspec
from msgspec import UNSET

from storefront_mcp.a2a.model import AgentMessage, AgentTask, MessagePart, TaskArtifact, TaskPage, TaskStatus
from storefront_mcp.a2a.versions import A2aVersion

STATE_PREFIX: Final = "TASK_STATE_"


def send_result(answer: AgentTask | AgentMessage, version: A2aVersion) -> Any:  # noqa: ANN401 -- JSON
    """The result of SendMessage."""
    if version.bare_results:
        return task_result(answer, version) if isinstance(answer, AgentTask) else _older_message(answer)
    return {"task" if isinstance(answer, AgentTask) else "message": msgspec.to_builtins(answer)}


def task_result(task: AgentTask, version: A2aVersion) -> Any:  # noqa: ANN401 -- JSON
    """The result of GetTask and CancelTask."""
    if not version.bare_results:
        return msgspec.to_builtins(task)
    older: dict[str, Any] = {
        "kind": "task",
        "id": task.id,
        "contextId": task.context_id,
        "status": _older_status(task.status),
    }
    if task.artifacts:
        older["artifacts"] = [_older_artifact(artifact) for artifact in task.artifacts]
    return older


def page_result(page: TaskPage) -> Any:  # noqa: ANN401 -- JSON
    """The result of ListTasks, which version 0.3 does not have."""
    return msgspec.to_builtins(page)


def _older_status(status: TaskStatus) -> dict[str, Any]:
    state = status.state.removeprefix(STATE_PREFIX).lower().replace("_", "-")
    older: dict[str, Any] = {"state": state, "timestamp": status.timestamp}
    if status.message is not None:
        older["message"] = _older_message(status.message)
    return older


def _older_message(message: AgentMessage) -> dict[str, Any]:
    older: dict[str, Any] = {
        "kind": "message",
        "messageId": message.message_id,
        "role": "agent",
        "parts": [_older_part(part) for part in message.parts],
    }
    if message.context_id:
        older["contextId"] = message.context_id
    if message.task_id:
        older["taskId"] = message.task_id
    return older


def _older_artifact(artifact: TaskArtifact) -> dict[str, Any]:
    parts = [_older_part(part) for part in artifact.parts]
    return {"artifactId": artifact.artifact_id, "name": artifact.name, "parts": parts}


def _older_part(part: MessagePart) -> dict[str, Any]:
    return {"kind": "text", "text": part.text} if part.data is UNSET else {"kind": "data", "data": part.data}
