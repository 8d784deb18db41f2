"""Shop with the Python SDK 1.x.   argv: URL, binding, and the id of a task once it is paid."""

import asyncio
import json
import sys
from typing import Any

import httpx
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.helpers import new_data_part, new_message, new_text_message
from a2a.types import CancelTaskRequest, GetTaskRequest, ListTasksRequest, Role, SendMessageRequest, TaskState
from google.protobuf.json_format import MessageToDict

ORDER = json.loads(sys.stdin.read())


def tell(story: Any) -> None:
    """Print what came of it."""
    sys.stdout.write(f"{json.dumps(story)}\n")


async def sent(client: Client, message: Any) -> Any:
    (event,) = [event async for event in client.send_message(SendMessageRequest(message=message))]
    return event.task if event.HasField("task") else event.message


async def main(url: str, binding: str, paid: str = "") -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        card = await A2ACardResolver(http, url).get_agent_card()
        client = ClientFactory(ClientConfig(httpx_client=http, supported_protocol_bindings=[binding])).create(card)
        if paid:
            task = await client.get_task(GetTaskRequest(id=paid))
            tell({"state": TaskState.Name(task.status.state), "text": task.artifacts[0].parts[0].text})
            return
        found = await sent(client, new_text_message("search dill", role=Role.ROLE_USER))
        context = found.context_id
        cart = await sent(client, new_text_message("add JAR-DILL x 2", context_id=context, role=Role.ROLE_USER))
        order = new_message([new_data_part(ORDER)], context_id=context, role=Role.ROLE_USER)
        placed = await sent(client, order)
        other = await sent(client, new_text_message("add JAR-DILL", role=Role.ROLE_USER))
        canceled = await client.cancel_task(CancelTaskRequest(id=other.id))
        listed = await client.list_tasks(ListTasksRequest(context_id=context))
        story = {
            "card": card.name,
            "skills": [skill.id for skill in card.skills],
            "found": found.parts[0].text,
            "same": cart.id == placed.id,
            "state": TaskState.Name(placed.status.state),
            "said": placed.status.message.parts[0].text,
            "result": MessageToDict(placed.artifacts[0].parts[1].data)["result"],
            "task": placed.id,
            "canceled": TaskState.Name(canceled.status.state),
            "listed": [task.id for task in listed.tasks],
        }
        tell(story)


asyncio.run(main(*sys.argv[1:]))
