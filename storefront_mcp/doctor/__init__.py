"""Walk a store as a scanner and as a buyer's agent would, and say what is wrong and what to do about it.

`await examine(Subject(...))` gives a `Report`; nothing here prints.
"""

from storefront_mcp.doctor.all_checks import ALL
from storefront_mcp.doctor.examination import Patience, Progress, examine
from storefront_mcp.doctor.findings import Check, Finding, Level
from storefront_mcp.doctor.patient import Subject
from storefront_mcp.doctor.report import AREAS, Checked, Report

__all__ = [
    "ALL",
    "AREAS",
    "Check",
    "Checked",
    "Finding",
    "Level",
    "Patience",
    "Progress",
    "Report",
    "Subject",
    "examine",
]
