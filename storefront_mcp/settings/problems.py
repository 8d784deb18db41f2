"""What is wrong with the settings, said all at once and so that it can be put right."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from msgspec import Struct


class Problem(Struct, frozen=True):
    """One thing to put right: `key` is a setting as the file has it, or a variable's name; `sentence` says the fix."""

    key: str
    sentence: str


class SettingsBroken(Exception):
    """The settings cannot be used; the message names the source, each key and each fix."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = (
            f"  {problem.key}: {problem.sentence}" if problem.key else f"  {problem.sentence}" for problem in problems
        )
        super().__init__("\n".join([f"{source} cannot be used:", *lines]))


def unknown(key: str, name: str, known: Iterable[str]) -> Problem:
    """There is no setting of this name; perhaps another one was meant."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    fix = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
    return Problem(key, f"there is no such setting; {fix}")
