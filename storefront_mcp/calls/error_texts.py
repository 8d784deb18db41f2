"""Texts for agents that have none of our tools: the parts that send them to one are left out."""

import re
from typing import Final

TOOL_PATTERN: Final = re.compile(
    r"\b(?:add|apply|cancel|create|get|list|place|remove|search|update|view)(?:_[a-z]+)+\b|\breorder\b"
)
"""Names of tools."""
CLAUSE_PATTERN: Final = re.compile(r"(?<=[.!?;])\s+|(?=, (?:and|but) )")
"""Where one clause ends and another begins."""
SENTENCE_ENDS: Final = (".", "!", "?")


def without_tool_names(text: str) -> str:
    """The text without clauses that name a tool; empty where nothing else is said.

    >>> without_tool_names("The cart has no line '7'. See view_cart for its line ids.")
    "The cart has no line '7'."
    """
    kept: list[str] = []
    for clause in CLAUSE_PATTERN.split(text):
        if TOOL_PATTERN.search(clause) is None:
            kept.append(clause)
        elif kept and not kept[-1].endswith(SENTENCE_ENDS):
            kept[-1] = kept[-1].rstrip(",;:") + "."
    return "".join(clause if clause.startswith(",") else f" {clause}" for clause in kept).strip()
