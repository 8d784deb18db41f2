"""Tables of the conditions that hold, and of the messages about them."""

from typing import Final

from sqlalchemy import Column, Double, Index, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

ALERTS: Final = Table(
    "alerts",
    METADATA,
    Column("condition", Text, primary_key=True),
    Column("store", Text, primary_key=True),
    Column("since", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("told_at", Double),
    Column("reason", Text, nullable=False),
)
"""One row per condition that holds; `told_at` is NULL until somebody is told. Times are Unix seconds."""

ALERT_DELIVERIES: Final = Table(
    "alert_deliveries",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("message", LargeBinary, nullable=False),
    Column("status", Text, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("tries", Whole, nullable=False),
    Column("problem", Text),
    Index("alert_deliveries_by_due_at", "status", "due_at"),
)
"""One row per message and receiver; `message` is JSON."""
