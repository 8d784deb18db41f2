"""Validation errors of the settings, collected and raised at once."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from msgspec import Struct


class SettingProblem(Struct, frozen=True):
    """One invalid setting: `key` is its key in the file, or a variable; `sentence` says what to do."""

    key: str
    sentence: str


class SettingsInvalid(Exception):
    """Invalid settings; the message has the source and every problem."""

    def __init__(self, source: str, problems: Sequence[SettingProblem]) -> None:
        self.problems = tuple(problems)
        lines = (
            f"  {problem.key}: {problem.sentence}" if problem.key else f"  {problem.sentence}" for problem in problems
        )
        super().__init__("\n".join([f"{source} cannot be used:", *lines]))


def unknown_setting(key: str, name: str, known: Iterable[str]) -> SettingProblem:
    """The problem of an unknown setting, with the nearest known name."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    fix = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
    return SettingProblem(key, f"there is no such setting; {fix}")
