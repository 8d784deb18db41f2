"""Shop with the Python SDK 0.3.   argv: URL, binding, and the id of a task once it is paid."""

import asyncio
import json
import sys
import uuid
from typing import Any

import httpx
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.types import DataPart, Message, Part, Role, TaskIdParams, TaskQueryParams, TextPart

ORDER = json.loads(sys.stdin.read())


def tell(story: Any) -> None:
    """Print what came of it."""
    sys.stdout.write(f"{json.dumps(story)}\n")


async def sent(client: Client, part: Any, context: str | None = None) -> Any:
    message = Message(message_id=str(uuid.uuid4()), role=Role.user, parts=[Part(root=part)], context_id=context)
    (event,) = [event async for event in client.send_message(message)]
    return event if isinstance(event, Message) else event[0]


async def main(url: str, binding: str, paid: str = "") -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        card = await A2ACardResolver(http, url).get_agent_card()
        client = ClientFactory(ClientConfig(httpx_client=http, supported_transports=[binding])).create(card)
        if paid:
            task = await client.get_task(TaskQueryParams(id=paid))
            tell({"state": task.status.state.value, "text": task.artifacts[0].parts[0].root.text})
            return
        found = await sent(client, TextPart(text="search dill"))
        context = found.context_id
        add = DataPart(data={"action": "add_to_checkout", "product_id": "JAR-DILL", "quantity": 2})
        cart = await sent(client, add, context)
        placed = await sent(client, DataPart(data=ORDER), context)
        other = await sent(client, TextPart(text="add JAR-DILL"))
        canceled = await client.cancel_task(TaskIdParams(id=other.id))
        story = {
            "card": card.name,
            "skills": [skill.id for skill in card.skills],
            "found": found.parts[0].root.text,
            "same": cart.id == placed.id,
            "state": placed.status.state.value,
            "said": placed.status.message.parts[0].root.text,
            "result": placed.artifacts[0].parts[1].root.data["result"],
            "task": placed.id,
            "canceled": canceled.status.state.value,
            "listed": None,
        }
        tell(story)


asyncio.run(main(*sys.argv[1:]))
