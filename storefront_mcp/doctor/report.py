"""What an examination has found, for people and for programs."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from storefront_mcp.doctor.findings import Check, Finding, Level, Outcome

VERSION: Final = 1
"""Of the report's shape: it goes up when something in it is renamed or goes away."""

AREAS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "settings": "Settings",
        "database": "Database",
        "shop": "The shop behind it",
        "payments": "Payments",
        "phases": "Phases",
        "address": "The address",
        "documents": "Published documents",
        "card": "The card",
        "protocol": "The endpoint",
        "journey": "A shopping trip",
    }
)
"""Areas in the order in which they are shown."""

LEVELS: Final[tuple[Level, ...]] = ("ok", "note", "warning", "fault")
"""From best to worst."""


class Checked(Struct, frozen=True, kw_only=True):
    """One check, done or skipped."""

    check: Check
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    skipped: str | None = None
    """Why it was not done."""

    @property
    def outcome(self) -> Outcome:
        """The worst finding."""
        if self.skipped is not None and not self.findings:
            return "skipped"
        return max((finding.level for finding in self.findings), key=LEVELS.index, default="ok")


class Report(Struct, frozen=True, kw_only=True):
    """Everything that was found about one subject."""

    url: str | None
    config: str | None
    store: str | None
    at: dt.datetime
    seconds: float
    checked: tuple[Checked, ...]

    @property
    def findings(self) -> Iterator[tuple[Check, Finding]]:
        """Every finding with the check that made it."""
        return ((one.check, finding) for one in self.checked for finding in one.findings)

    @property
    def counts(self) -> Mapping[str, int]:
        """Findings by level, and checks that were skipped."""
        found = Counter(finding.level for _, finding in self.findings)
        skipped = sum(one.outcome == "skipped" for one in self.checked)
        return {**{level: found[level] for level in LEVELS}, "skipped": skipped}

    @property
    def healthy(self) -> bool:
        """Whether there is no fault."""
        return self.counts["fault"] == 0

    def areas(self) -> Iterator[tuple[str, str, list[Checked]]]:
        """Name, title and checks of each area in which something was checked."""
        for name, title in AREAS.items():
            inside = [one for one in self.checked if one.check.area == name]
            if inside:
                yield name, title, inside

    def as_json(self) -> dict[str, Any]:
        """For programs; docs/operators.md describes the shape."""
        return {
            "version": VERSION,
            "url": self.url,
            "config": self.config,
            "store": self.store,
            "at": self.at.isoformat(),
            "seconds": round(self.seconds, 3),
            "healthy": self.healthy,
            "counts": self.counts,
            "areas": [
                {"name": name, "title": title, "checks": [_check_json(one) for one in inside]}
                for name, title, inside in self.areas()
            ],
        }


def _check_json(one: Checked) -> dict[str, Any]:
    return {
        "id": one.check.id,
        "title": one.check.title,
        "outcome": one.outcome,
        "skipped": one.skipped,
        "seconds": round(one.seconds, 3),
        "findings": [asdict(finding) for finding in one.findings],
    }
