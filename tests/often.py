"""How often Hypothesis tries."""

from hypothesis import settings


def often(times: int) -> int:
    """So many examples, or those of `make test-fast`, where it wants fewer."""
    return min(times, settings.default.max_examples) if settings.get_current_profile_name() == "quick" else times
