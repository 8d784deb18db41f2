"""`DoctorCheck`, and the decorator that makes one of an async generator of findings."""

from collections.abc import AsyncIterator, Callable
from typing import Literal

from msgspec import Struct

from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.findings import Finding, Level

Requirement = Literal["file", "settings", "shop", "address", "cart"]
"""A settings file; valid settings; a shop backend; the address of a deployed store; permission to make a cart."""

Outcome = Level | Literal["skipped"]

Findings = AsyncIterator[Finding]


class DoctorCheck(Struct, frozen=True, kw_only=True):
    """One check; runs when all its `needs` are met and no check in `after` ended in a fault or was skipped."""

    id: str
    """`area.subject`; stable, as programs read it."""
    title: str
    """What is asked: "Do the clocks agree?"; yes is as it should be."""
    needs: tuple[Requirement, ...]
    after: tuple[str, ...] = ()
    run: Callable[[ExaminedStore], Findings]

    @property
    def area(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]


def check(
    id_: str, title: str, *needs: Requirement, after: tuple[str, ...] = ()
) -> Callable[[Callable[[ExaminedStore], Findings]], DoctorCheck]:
    """Decorate an async generator of findings as a DoctorCheck."""
    return lambda run: DoctorCheck(id=id_, title=title, needs=needs, after=after, run=run)
