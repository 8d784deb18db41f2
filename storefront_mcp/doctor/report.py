"""Report of an examination: check results, counts, and JSON for programs."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from storefront_mcp.doctor.check import DoctorCheck, Outcome
from storefront_mcp.findings import LEVELS, Finding, verdict_sentence, worst_level

REPORT_VERSION: Final = 1
"""Version of the JSON shape; raised when a key is renamed or removed."""

AREAS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "settings": "Settings",
        "database": "Database",
        "shop": "The shop behind it",
        "catalogue": "The copy of its catalogue",
        "payments": "Payments",
        "mail": "Mail",
        "order_events": "Order events",
        "phases": "Phases",
        "address": "The address",
        "documents": "Published documents",
        "card": "The card",
        "protocol": "The endpoint",
        "sign_in": "Sign-in of customers",
        "journey": "A shopping trip",
    }
)
"""Title by area, in the order of display."""


class CheckResult(Struct, frozen=True, kw_only=True):
    """Result of one check, done or skipped."""

    check: DoctorCheck
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    skipped: str | None = None
    """Why it was skipped."""

    @property
    def outcome(self) -> Outcome:
        """Level of the worst finding, or "skipped"."""
        if self.skipped is not None and not self.findings:
            return "skipped"
        return worst_level(self.findings)

    @property
    def answer(self) -> str | None:
        """The answer to the check's question; None where it was skipped or all is well, as the findings say how."""
        if self.outcome in {"ok", "skipped"}:
            return None
        return "No." if any(one.conclusive for one in self.findings if one.level == self.outcome) else "Not known."


class DoctorReport(Struct, frozen=True, kw_only=True):
    """All check results of one subject."""

    url: str | None
    config: str | None
    store: str | None
    at: dt.datetime
    seconds: float
    checked: tuple[CheckResult, ...]

    @property
    def findings(self) -> Iterator[tuple[DoctorCheck, Finding]]:
        """Every finding with the check that made it."""
        return ((one.check, finding) for one in self.checked for finding in one.findings)

    @property
    def ranked(self) -> Sequence[tuple[DoctorCheck, Finding]]:
        """The findings that are not ok, the worst first; of those alike, the one that others build on first."""
        wanting = [one for one in self.findings if one[1].level != "ok"]
        return sorted(wanting, key=lambda one: LEVELS.index(one[1].level), reverse=True)

    @property
    def verdict(self) -> str:
        """How much is wrong, as a sentence."""
        return verdict_sentence(finding for _, finding in self.findings)

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of findings by level, and of skipped checks."""
        found = Counter(finding.level for _, finding in self.findings)
        skipped = sum(one.outcome == "skipped" for one in self.checked)
        return {**{level: found[level] for level in LEVELS}, "skipped": skipped}

    @property
    def healthy(self) -> bool:
        """Whether there is no fault."""
        return self.counts["fault"] == 0

    def areas(self) -> Iterator[tuple[str, str, list[CheckResult]]]:
        """Name, title and results of each area that has results."""
        for name, title in AREAS.items():
            inside = [one for one in self.checked if one.check.area == name]
            if inside:
                yield name, title, inside

    def as_json(self) -> dict[str, Any]:
        """The report as JSON; docs/operators.md describes the shape."""
        return {
            "version": REPORT_VERSION,
            "url": self.url,
            "config": self.config,
            "store": self.store,
            "at": self.at.isoformat(),
            "seconds": round(self.seconds, 3),
            "healthy": self.healthy,
            "verdict": self.verdict,
            "worst": _worst_json(self.ranked),
            "counts": self.counts,
            "areas": [
                {"name": name, "title": title, "checks": [_check_json(one) for one in inside]}
                for name, title, inside in self.areas()
            ],
        }


def _worst_json(ranked: Sequence[tuple[DoctorCheck, Finding]]) -> dict[str, Any] | None:
    """The first of the ranked findings with its check, unless it is only a note."""
    return {"check": ranked[0][0].id, **asdict(ranked[0][1])} if ranked and ranked[0][1].level != "note" else None


def _check_json(one: CheckResult) -> dict[str, Any]:
    return {
        "id": one.check.id,
        "title": one.check.title,
        "outcome": one.outcome,
        "answer": one.answer,
        "skipped": one.skipped,
        "seconds": round(one.seconds, 3),
        "findings": [asdict(finding) for finding in one.findings],
    }
