"""Table of the events about orders that receivers are told by webhook."""

from typing import Final

from sqlalchemy import Column, Double, Index, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

ORDER_EVENTS: Final = Table(
    "order_events",
    METADATA,
    Column("checkout", Text, primary_key=True),
    Column("store", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("session", LargeBinary, nullable=False),
    Column("status", Text, nullable=False),
    Column("queued_at", Double, nullable=False, index=True),
    Column("due_at", Double, nullable=False),
    Column("tries", Whole, nullable=False),
    Column("problem", Text),
    Column("failures", Whole, nullable=False, server_default="0"),
    Column("told", Text),
    Index("order_events_by_due_at", "status", "due_at"),
)
"""One row per checkout of a session whose owner is told of orders; no personal data. Times are Unix seconds.

`session` is the session's id, a secret, encrypted where there is a key.
"""
