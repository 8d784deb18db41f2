"""Entries to write down."""

from typing import Any

from storefront_mcp.records.audit import AuditActor, AuditEntry


def entry(number: int = 0, *, store: str = "pickle", **more: Any) -> AuditEntry:
    """One of many."""
    at = f"2027-02-01T09:00:{number:02d}.000+00:00"
    told = {"what": "tool.called", "subject": "add_to_cart", "who": AuditActor(kind="guest"), "outcome": "ok"}
    return AuditEntry(**({"at": at, "source": "mcp", "store": store, "details": {"number": number}} | told | more))
