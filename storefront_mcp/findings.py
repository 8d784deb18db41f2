"""Findings about a store and their levels, as the doctor and the console's health page report them."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import force_setattr

from storefront_mcp.commerce.plain_text import visible_line

Level = Literal["ok", "note", "warning", "fault"]
"""As it should be; worth knowing; it will hurt; agents cannot shop, or are told what is not true."""

LEVELS: Final[tuple[Level, ...]] = ("ok", "note", "warning", "fault")
"""From best to worst."""


class Finding(Struct, frozen=True, kw_only=True):
    """What one check saw. It quotes strangers and is printed to terminals: what cannot be seen goes."""

    level: Level
    says: str
    """What is so, as a sentence."""
    fix: str | None = None
    """What to do about it, as a sentence; None where there is nothing to do."""
    conclusive: bool = True
    """Whether it answers the question of the check; not where something else stood in the way of looking."""

    def __post_init__(self) -> None:
        """Clean the texts."""
        force_setattr(self, "says", visible_line(self.says))
        if self.fix is not None:
            force_setattr(self, "fix", visible_line(self.fix))


def ok(says: str) -> Finding:
    """As it should be."""
    return Finding(level="ok", says=says)


def note(says: str, fix: str | None = None) -> Finding:
    """Worth knowing."""
    return Finding(level="note", says=says, fix=fix)


def not_known(says: str) -> Finding:
    """Could not be found out; a note that answers nothing."""
    return Finding(level="note", says=says, conclusive=False)


def warning(says: str, fix: str | None) -> Finding:
    """It will hurt."""
    return Finding(level="warning", says=says, fix=fix)


def fault(says: str, fix: str) -> Finding:
    """Agents cannot shop, or are told what is not true."""
    return Finding(level="fault", says=says, fix=fix)


def worst_level(findings: Iterable[Finding]) -> Level:
    """The worst level among findings; `ok` without any."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")


def verdict_sentence(findings: Iterable[Finding]) -> str:
    """How many findings are wrong and how many want a look, as a sentence: "2 things are wrong, 1 to look at."."""
    found = Counter(finding.level for finding in findings)
    wrong, look = found["fault"], found["warning"]
    things = "Nothing is wrong" if not wrong else "1 thing is wrong" if wrong == 1 else f"{wrong} things are wrong"
    return f"{things}, {look} to look at." if look else f"{things}."
