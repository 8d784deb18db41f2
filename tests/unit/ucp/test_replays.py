"""Idempotency keys: who may be shown which answer, and what a failure leaves of a key."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from storefront_mcp.access.caller import GUEST
from storefront_mcp.agent_protocols.ucp import LATEST_RELEASE
from storefront_mcp.calls.errors import CallFailed, UnknownTool
from storefront_mcp.commerce.errors import KeyReused, ShopOutcomeUnknown
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.idempotency import SqlIdempotencyRepository
from storefront_mcp.ucp.failures import UcpFailure, UcpOutcome
from storefront_mcp.ucp.platforms import RequestingPlatform
from storefront_mcp.ucp.replays import run_once
from storefront_mcp.ucp.request import UcpRequest

KEY = "0b8f7f5e-6a57-4a6c-8a3c-0d9b5c1f2e11"


@pytest.fixture
def answers(tmp_path: Path) -> Any:
    database = Database(tmp_path / "answers.db")
    yield SqlIdempotencyRepository(database, now=utc_now)
    database.close()


@pytest.fixture
def ask(answers: Any) -> Callable[..., Awaitable[bytes]]:
    """Run an operation that gives these answers, one after the other."""

    async def asked(*given: Any, key: str = KEY, repeats: bool = False, **more: Any) -> bytes:
        runner: Any = SimpleNamespace(policy=SimpleNamespace(store=StoreId("pickle"), answers=answers), caller=GUEST)
        platform = RequestingPlatform(profile=more.pop("profile", "https://platform.example"))
        request = UcpRequest(runner=runner, release=LATEST_RELEASE, platform=platform, key=key, **more)

        async def run() -> bytes:
            (answer,) = given
            if isinstance(answer, Exception):
                raise answer
            return bytes(answer)

        return await run_once("create_cart", request, run, repeats=repeats)

    return asked


async def test_a_repeat_gets_the_first_answer(ask: Any) -> None:
    assert await ask(b"one") == b"one"
    assert await ask(b"two") == b"one"
    with pytest.raises(KeyReused):
        await ask(b"three", payload=b'{"other": 1}')


async def test_on_mcp_another_spelling_of_the_same_payload_is_a_repeat(ask: Any) -> None:
    await ask(b"one", payload=b'{"a": 1, "b": 2}', over_mcp=True)
    assert await ask(b"two", payload=b'{"b":2,"a":1}', over_mcp=True) == b"one"


async def test_a_payload_that_is_nested_too_deeply_is_refused_and_no_fault_of_ours(ask: Any) -> None:
    with pytest.raises(UcpFailure, match="nested too deeply"):
        await ask(b"one", payload=b"[" * 100_000 + b"]" * 100_000, over_mcp=True)


@pytest.mark.parametrize("other", [{"profile": "https://other.example"}, {"id": "cart_b"}, {"key": KEY + "x"}])
async def test_nobody_else_gets_it(ask: Any, other: dict[str, str]) -> None:
    await ask(b"one")
    assert await ask(b"two", **other) == b"two"


@pytest.mark.parametrize("key", ["1", "0" * 40, "order-2026-11-30T09:00:00Z"])
async def test_a_key_that_could_be_guessed_is_of_no_use_without_an_id(ask: Any, key: str) -> None:
    await ask(b"one", key=key)
    assert await ask(b"two", key=key) == b"two"
    await ask(b"one", key=key, id="cart_a")
    assert await ask(b"two", key=key, id="cart_a") == b"one"


@pytest.mark.parametrize("error", [UcpOutcome("x", "y"), UnknownTool("x"), KeyReused()])
async def test_what_did_nothing_leaves_the_key_free(ask: Any, error: Exception) -> None:
    with pytest.raises(type(error)):
        await ask(error)
    assert await ask(b"one") == b"one"


async def test_what_may_have_done_something_keeps_it(ask: Any) -> None:
    for error in (CallFailed(), RuntimeError("lost")):
        key = f"{KEY}{error}"
        with pytest.raises(type(error)):
            await ask(error, key=key)
        with pytest.raises(ShopOutcomeUnknown):
            await ask(b"one", key=key)
        assert await ask(b"one", key=key + "r", repeats=True) == b"one"


async def test_an_answer_that_is_too_large_is_not_kept(ask: Any) -> None:
    assert await ask(b"x" * 300_000)
    assert await ask(b"two") == b"two"
