"""What a check is and what it finds."""

from collections.abc import AsyncIterator, Callable
from typing import Literal

from msgspec import Struct

from storefront_mcp.doctor.patient import Patient

Level = Literal["ok", "note", "warning", "fault"]
"""As it should be; worth knowing; it will hurt; agents cannot shop, or are told what is not true."""

Need = Literal["file", "settings", "shop", "address", "cart"]
"""A file of settings; settings that can be used; a shop to ask; a deployed store's address; leave to make a cart."""

Outcome = Literal["ok", "note", "warning", "fault", "skipped"]


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was seen."""

    level: Level
    says: str
    """What is so, as a sentence."""
    fix: str | None = None
    """What to do about it, as a sentence; None where there is nothing to do."""


Findings = AsyncIterator[Finding]


class Check(Struct, frozen=True, kw_only=True):
    """One question to a store. It runs where there is what it needs and the checks before it found no fault."""

    id: str
    """`area.subject`; it never changes, as programs read it."""
    title: str
    """What it makes sure of, as a clause: "The clocks agree"."""
    needs: tuple[Need, ...]
    after: tuple[str, ...] = ()
    run: Callable[[Patient], Findings]

    @property
    def area(self) -> str:
        """What it belongs to."""
        return self.id.partition(".")[0]


def check(
    id_: str, title: str, *needs: Need, after: tuple[str, ...] = ()
) -> Callable[[Callable[[Patient], Findings]], Check]:
    """Make a check of an async generator of findings."""
    return lambda run: Check(id=id_, title=title, needs=needs, after=after, run=run)


def ok(says: str) -> Finding:
    """As it should be."""
    return Finding(level="ok", says=says)


def note(says: str, fix: str | None = None) -> Finding:
    """Worth knowing."""
    return Finding(level="note", says=says, fix=fix)


def warning(says: str, fix: str) -> Finding:
    """It will hurt."""
    return Finding(level="warning", says=says, fix=fix)


def fault(says: str, fix: str) -> Finding:
    """Agents cannot shop, or are told what is not true."""
    return Finding(level="fault", says=says, fix=fix)
