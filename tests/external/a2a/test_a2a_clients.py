"""Clients of Agent2Agent shop at the store's agent: the SDK of both versions, Google's ADK, a2a-handler."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.external.a2a.environments import ASKED, a2a_environment, lock_of
from tests.external.clients.environments import SILENT
from tests.external.clients.programs import QUIET, running
from tests.fakes.buyer import Buyer
from tests.journeys.test_a_guest_orders import ADA, EMAIL
from tests.serving import free_port

pytestmark = [pytest.mark.clients, pytest.mark.slow]

JOURNEYS = Path(__file__).with_name("journeys")
ORDER = {"action": "place_order", "email": EMAIL, "shipping_address": ADA, "shipping_method": "auspost_parcel"}
SKILLS = ["search", "product", "cart", "checkout", "order-status"]
PATIENCE = 120.0
"""Seconds for one program, on a busy machine."""
PAUSE = 0.5
SDKS = [
    ("a2a-handler", "by_sdk.py", "JSONRPC"),
    ("a2a-handler", "by_sdk.py", "HTTP+JSON"),
    ("a2a-sdk-0.3", "by_sdk_0_3.py", "JSONRPC"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of `storefront-mcp demo`."""
    port = free_port()
    with running("demo", "--port", str(port), port=port, cwd=tmp_path_factory.mktemp("demo")):
        yield f"http://127.0.0.1:{port}"


def ran(command: list[Path | str], home: Path, said: str = "") -> str:
    """What a program prints."""
    done = subprocess.run(
        command,
        input=said,
        env={**QUIET, **SILENT, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def journey(environment: str, script: str, home: Path, *arguments: str) -> Any:
    """What a journey tells, which it prints last."""
    python = a2a_environment(environment) / "bin" / "python"
    return json.loads(ran([python, JOURNEYS / script, *arguments], home, json.dumps(ORDER)).splitlines()[-1])


@pytest.mark.parametrize("name", ASKED)
def test_environments_are_locked_as_asked(name: str) -> None:
    pinned = {line.partition(" ")[0] for line in lock_of(name).read_text("utf-8").splitlines()}
    assert {asked.replace("[a2a]", "") for asked in ASKED[name]} <= {one.replace("[a2a]", "") for one in pinned}


@pytest.mark.parametrize(("environment", "script", "binding"), SDKS, ids=lambda value: value)
async def test_the_sdk_shops_until_its_person_has_paid(
    demo: str, tmp_path: Path, environment: str, script: str, binding: str
) -> None:
    story = await asyncio.to_thread(journey, environment, script, tmp_path, demo, binding)
    assert story["card"] == "Pickle Warehouse"
    assert story["skills"] == SKILLS
    assert "products, the first 10:" in story["found"]
    assert story["same"]
    assert story["state"] in {"TASK_STATE_INPUT_REQUIRED", "input-required"}
    page = story["result"]["continue_url"]
    assert page in story["said"]
    assert story["canceled"] in {"TASK_STATE_CANCELED", "canceled"}
    assert story["listed"] in ([story["task"]], None)
    async with Buyer() as buyer:
        await buyer.pays(page)
    async with asyncio.timeout(PATIENCE):
        while True:
            seen = await asyncio.to_thread(journey, environment, script, tmp_path, demo, binding, story["task"])
            if seen["state"] in {"TASK_STATE_COMPLETED", "completed"}:
                break
            await asyncio.sleep(PAUSE)
    assert "The order is made: number " in seen["text"]


def test_googles_remote_agent_keeps_the_conversation_and_the_task(demo: str, tmp_path: Path) -> None:
    found, added, seen = journey("google-adk", "by_adk.py", tmp_path, demo)
    assert "products, the first 10:" in found["told"]
    assert "2 x Warehouse Dill Pickles" in added["told"]
    assert found["context"] == added["context"] == seen["context"]
    assert added["task"] == seen["task"] is not None


def handler(demo: str, home: Path, *words: str) -> Any:
    """What a2a-handler answers."""
    program = a2a_environment("a2a-handler") / "bin" / "handler"
    return json.loads(ran([program, "--output", "json", *words, "--url", demo], home))


def test_a2a_handler_finds_the_card_good_and_shops(demo: str, tmp_path: Path) -> None:
    assert handler(demo, tmp_path, "card", "validate")["valid"] is True
    found = handler(demo, tmp_path, "message", "send", "-t", "search dill")
    context = found["contextId"]
    cart = handler(demo, tmp_path, "message", "send", "-t", "add JAR-DILL", "--context-id", context)
    data = ["message", "send", "--data", json.dumps(ORDER), "--context-id", context, "--task-id", cart["id"]]
    placed = handler(demo, tmp_path, *data)
    assert placed["id"] == cart["id"]
    assert "/pay/" in placed["status"]["message"]["parts"][0]["text"]


def test_the_linter_of_the_older_version_has_nothing_to_say(demo: str, tmp_path: Path) -> None:
    told = ran([a2a_environment("a2a-lint") / "bin" / "a2a-lint", demo, "--live"], tmp_path)
    assert "GRADE A" in told
    assert "0 error(s), 0 warning(s)" in told
