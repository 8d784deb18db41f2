"""The processes of a run."""

import asyncio
from pathlib import Path

from tests.chaos.faults.environment import Process


def test_a_process_that_is_started_again_is_ended_first(tmp_path: Path) -> None:
    async def started_twice() -> int | None:
        process = Process("tests.fakes.stripe", "--port", "0", log=tmp_path / "stripe.log")
        try:
            await process.start(first_line=True)
            before = process.running
            assert before is not None
            await process.start(first_line=True)
            return before.returncode
        finally:
            await process.end()

    assert asyncio.run(started_twice()) is not None
