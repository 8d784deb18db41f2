"""Talk to it as google-adk's remote agent does.   argv: URL"""

import asyncio
import json
import sys
from typing import Any

from google.adk.agents.remote_a2a_agent import RemoteA2aAgent
from google.adk.runners import InMemoryRunner
from google.genai import types

SAID = ("search dill", "add JAR-DILL x 2", "cart")


def tell(story: Any) -> None:
    """Print what came of it."""
    sys.stdout.write(f"{json.dumps(story)}\n")


async def main(url: str) -> None:
    shop = RemoteA2aAgent(name="shop", agent_card=f"{url}/.well-known/agent-card.json")
    runner = InMemoryRunner(agent=shop, app_name="tests")
    session = await runner.session_service.create_session(app_name="tests", user_id="buyer")
    story = []
    for words in SAID:
        message = types.Content(role="user", parts=[types.Part(text=words)])
        async for event in runner.run_async(user_id="buyer", session_id=session.id, new_message=message):
            assert event.error_message is None, event.error_message
            metadata = event.custom_metadata or {}
            parts = event.content.parts if event.content else []
            told = [
                part.text or json.dumps(part.function_call.args) for part in parts if part.text or part.function_call
            ]
            story.append(
                {
                    "told": "\n".join(told),
                    "context": metadata.get("a2a:context_id"),
                    "task": metadata.get("a2a:task_id"),
                }
            )
    tell(story)


asyncio.run(main(*sys.argv[1:]))
