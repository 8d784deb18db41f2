"""Jobs of a worker that run beside its requests."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, Final

log: Final = logging.getLogger("storefront_mcp.app")


@contextlib.asynccontextmanager
async def background_jobs(jobs: Mapping[str, Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run jobs, by what each does, until the block ends: then they are cancelled, and one that failed is logged."""
    tasks = [asyncio.create_task(job, name=name) for name, job in jobs.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task, end in zip(tasks, await asyncio.gather(*tasks, return_exceptions=True), strict=True):
            if isinstance(end, Exception):
                log.error("failed to %s", task.get_name(), exc_info=end)
