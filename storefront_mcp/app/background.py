"""Jobs of a worker that run beside its requests."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from typing import Any, Final

log: Final = logging.getLogger("storefront_mcp.app")

CANCEL_AGAIN_SECONDS: Final = 20.0
"""Longer than what any task does to end well, which a second cancellation would cut short."""


async def cancel_and_wait(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Cancel tasks until all have ended, however they end.

    A task may lose a cancellation that meets the end of a timeout of its own, and would go on for ever.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)


@contextlib.asynccontextmanager
async def background_jobs(jobs: Mapping[str, Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run jobs, by what each does, until the block ends: then they are cancelled, and one that failed is logged."""
    tasks = [asyncio.create_task(job, name=name) for name, job in jobs.items()]
    try:
        yield
    finally:
        await cancel_and_wait(tasks)
        for task in tasks:
            if not task.cancelled() and (failure := task.exception()) is not None:
                log.error("failed to %s", task.get_name(), exc_info=failure)
