"""What sessions knew of buyers is erased when they expire, whether or not anybody asks for them again."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from storefront_mcp.checkout_sessions.record import CheckoutSessionRepository

log: Final = logging.getLogger(__name__)

ERASE_INTERVAL_SECONDS: Final = 600.0


async def erase_expired(
    records: CheckoutSessionRepository, *, now: Callable[[], float], interval: float = ERASE_INTERVAL_SECONDS
) -> None:
    """Erase until cancelled, every `interval` seconds. Errors are logged and end nothing."""
    while True:
        try:
            await records.erase(now=now())
        except Exception:
            log.exception("what checkout sessions knew of buyers cannot be erased now")
        await asyncio.sleep(interval)
