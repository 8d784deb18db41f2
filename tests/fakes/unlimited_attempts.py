"""A demo shop that counts no tries: in tests a hundred buyers come from one address within a minute."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from storefront_mcp.demo import state
from storefront_mcp.demo.access import AttemptCounter


class UnlimitedAttempts(AttemptCounter):
    """Counts nothing."""

    def count(self, kind: str, client: str, *, most: int, seconds: float) -> None:
        """Let everybody try."""


@contextmanager
def unlimited_attempts() -> Iterator[None]:
    """Demo shops that are made meanwhile count no tries, then and later."""
    with mock.patch.object(state, "AttemptCounter", UnlimitedAttempts):
        yield
