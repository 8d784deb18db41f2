"""Table of the confirmations of orders."""

from typing import Final

from sqlalchemy import Column, Double, Index, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

ORDER_MAILS: Final = Table(
    "order_mails",
    METADATA,
    Column("checkout", Text, primary_key=True),
    Column("store", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("queued_at", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("tries", Whole, nullable=False),
    Column("problem", Text),
    Index("order_mails_by_due_at", "status", "due_at"),
)
"""One row per order, inserted with the checkout's last transition; no personal data. Times are Unix seconds."""
