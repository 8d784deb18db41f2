"""How often Hypothesis tries, and tests that try everything."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

QUICK_SHARE = 7
"""`make test-fast` takes one of so many."""
T = TypeVar("T")


def is_quick() -> bool:
    """Whether this is `make test-fast`."""
    return settings.get_current_profile_name() == "quick"


def often(times: int) -> int:
    """So many examples, or those of `make test-fast`, where it wants fewer."""
    return min(times, settings.default.max_examples) if is_quick() else times


def often_enough(cases: Sequence[T]) -> Sequence[T]:
    """All cases, or a share of them in `make test-fast`."""
    return cases[::QUICK_SHARE] if is_quick() else cases
