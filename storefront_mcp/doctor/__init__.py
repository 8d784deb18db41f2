"""Diagnostics of a store: checks of its settings, shop, published documents and endpoint, with fixes.

`await examine(Subject(...))` returns a `DoctorReport`; nothing here prints.
"""

from storefront_mcp.doctor.all_checks import ALL_CHECKS
from storefront_mcp.doctor.check import DoctorCheck
from storefront_mcp.doctor.examination import ExaminationProgress, TimeBudget, examine, run_checks
from storefront_mcp.doctor.patient import ExaminationSubject
from storefront_mcp.doctor.report import AREAS, CheckResult, DoctorReport
from storefront_mcp.findings import Finding, Level

__all__ = [
    "ALL_CHECKS",
    "AREAS",
    "CheckResult",
    "DoctorCheck",
    "DoctorReport",
    "ExaminationProgress",
    "ExaminationSubject",
    "Finding",
    "Level",
    "TimeBudget",
    "examine",
    "run_checks",
]
