"""A client of the store's agent for tests: the same talk in both versions and both bindings."""

import itertools
import uuid
from collections.abc import Mapping
from typing import Any, Self

import httpx

Json = dict[str, Any]
BINDINGS = ("1.0 JSON-RPC", "0.3 JSON-RPC", "1.0 HTTP+JSON")
METHODS = {
    "1.0": {"send": "SendMessage", "get": "GetTask", "cancel": "CancelTask", "list": "ListTasks"},
    "0.3": {"send": "message/send", "get": "tasks/get", "cancel": "tasks/cancel"},
}


class A2aAgent:
    """One client, in the words of one binding."""

    def __init__(
        self,
        origin: str,
        binding: str = BINDINGS[0],
        *,
        headers: Mapping[str, str] = {},
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.version, _, spoken = binding.partition(" ")
        self.over_http = spoken == "HTTP+JSON"
        self.url = f"{origin}/a2a"
        sent = {"a2a-version": self.version} if self.version == "1.0" else {}
        self.client = httpx.AsyncClient(timeout=60, headers={**sent, **headers}, transport=transport)
        self._ids = itertools.count(1)
        self.context = ""
        self.task = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def say(self, text: str, **more: Any) -> "Answer":
        """Say something in the conversation."""
        return await self.send([{"text": text}], **more)

    async def act(self, action: str, **arguments: Any) -> "Answer":
        """Ask for an action with data."""
        return await self.send([{"data": {"action": action, **arguments}}])

    async def send(
        self, parts: list[Json], *, keep: bool = True, configuration: Json | None = None, **members: Any
    ) -> "Answer":
        """Send a message; `members` go into it, and with `keep` the conversation goes on with what is answered."""
        message = {"messageId": str(uuid.uuid4()), "role": "ROLE_USER", "parts": parts}
        if self.context and keep:
            message["contextId"] = self.context
        message |= members
        if self.version == "0.3":
            message["role"] = "user"
            message["kind"] = "message"
            message["parts"] = [{"kind": next(iter(part)), **part} for part in parts]
        params: Json = {"message": message}
        if configuration is not None:
            params["configuration"] = configuration
        answer = Answer(await self.ask("send", params), self.version)
        if keep:
            self.context = answer.context
            self.task = answer.task_id or self.task
        return answer

    async def get(self, task: str = "") -> "Answer":
        """The task as it stands."""
        return Answer(await self.ask("get", {"id": task or self.task}), self.version)

    async def cancel(self, task: str = "") -> "Answer":
        """Give the task up."""
        return Answer(await self.ask("cancel", {"id": task or self.task}), self.version)

    async def ask(self, operation: str, params: Json) -> Json:
        """The result of an operation. Raises A2aRefusal."""
        if self.over_http:
            return _told(await self._over_http(operation, params))
        response = await self.post(
            {"jsonrpc": "2.0", "id": next(self._ids), "method": METHODS[self.version][operation], "params": params}
        )
        assert response.status_code == 200, response.text
        body = response.json()
        return _told(response) if "error" in body else body["result"]

    async def post(self, message: Any, headers: Mapping[str, str] = {}) -> httpx.Response:
        """Post a JSON-RPC message as it is."""
        return await self.client.post(self.url, json=message, headers=headers)

    async def _over_http(self, operation: str, params: Json) -> httpx.Response:
        rest = f"{self.url}/rest"
        if operation == "send":
            return await self.client.post(f"{rest}/message:send", json=params)
        if operation == "cancel":
            return await self.client.post(f"{rest}/tasks/{params['id']}:cancel", json={})
        task = f"/{params['id']}" if operation == "get" else ""
        query = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in params.items()
            if name != "id"
        }
        return await self.client.get(f"{rest}/tasks{task}", params=query)


class A2aRefusal(Exception):
    """A protocol error."""

    def __init__(self, error: Json) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        (info,) = error.get("data") or error["details"]
        self.reason: str = info["reason"]


class Answer:
    """A task or a message, whatever the version calls things."""

    def __init__(self, result: Json, version: str) -> None:
        if version == "1.0" and "id" not in result:
            ((self.kind, body),) = result.items()
        else:
            self.kind, body = result.get("kind", "task"), result
        self.body: Json = body
        self.context: str = body["contextId"]
        self.task_id: str = body["id"] if self.kind == "task" else ""

    @property
    def state(self) -> str:
        """`input-required`, whatever the version calls it."""
        named: str = self.body["status"]["state"]
        return named.removeprefix("TASK_STATE_").lower().replace("_", "-")

    @property
    def parts(self) -> list[Json]:
        """Of the message, or of the task's only result; without one, of what its status says."""
        if self.kind == "message":
            return list(self.body["parts"])
        artifacts = self.body.get("artifacts")
        return list(artifacts[0]["parts"] if artifacts else self.body["status"]["message"]["parts"])

    @property
    def text(self) -> str:
        """What it says."""
        return "\n".join(part["text"] for part in self.parts if "text" in part)

    @property
    def data(self) -> Json:
        """Its data."""
        (found,) = (part["data"] for part in self.parts if "data" in part)
        return dict(found)

    @property
    def result(self) -> Json:
        """What the tool answered."""
        return dict(self.data["result"])

    @property
    def error(self) -> Json:
        """What went wrong in the shop."""
        return dict(self.data["error"])


def _told(response: httpx.Response) -> Json:
    body: Json = response.json()
    if "error" in body:
        raise A2aRefusal(body["error"])
    return body
