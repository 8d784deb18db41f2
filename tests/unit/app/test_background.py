"""Jobs run as long as the block does, and a failed one disturbs nobody."""

import asyncio
import logging

import pytest

from storefront_mcp.app import background
from storefront_mcp.app.background import background_jobs
from storefront_mcp.app.mirror import END_SECONDS
from storefront_mcp.cli.stop_deadline import GRACEFUL_SECONDS, STOP_SECONDS
from storefront_mcp.database.sqlite import BUSY_TIMEOUT_SECONDS


async def test_jobs_run_until_the_block_ends() -> None:
    ended: list[str] = []

    async def job(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async with background_jobs({"one": job("one"), "other": job("other")}):
        await asyncio.sleep(0)
        assert ended == []
        assert {"one", "other"} <= {task.get_name() for task in asyncio.all_tasks()}
    assert sorted(ended) == ["one", "other"]


async def test_a_job_that_failed_is_logged_and_the_others_end(caplog: pytest.LogCaptureFixture) -> None:
    ended = asyncio.Event()

    async def fail() -> None:
        raise ArithmeticError

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with caplog.at_level(logging.ERROR, logger="storefront_mcp.app"):
        async with background_jobs({"count": fail(), "wait": wait()}):
            await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records] == ["failed to count"]
    assert ended.is_set()


async def test_what_the_block_raises_ends_the_jobs_too() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(LookupError):
        async with background_jobs({"wait for it": wait()}):
            raise LookupError
    assert "wait for it" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_job_that_loses_a_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "CANCEL_AGAIN_SECONDS", 0.01)
    lost: list[str] = []

    async def lose() -> None:
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost.append("once")
        await asyncio.Event().wait()

    async with background_jobs({"lose": lose()}):
        await asyncio.sleep(0)
    assert len(lost) == 2


def test_a_second_cancellation_cuts_nothing_short_and_comes_before_the_process_is_ended() -> None:
    assert background.CANCEL_AGAIN_SECONDS > END_SECONDS + BUSY_TIMEOUT_SECONDS
    assert background.CANCEL_AGAIN_SECONDS < STOP_SECONDS - GRACEFUL_SECONDS
