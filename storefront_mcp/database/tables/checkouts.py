"""The tables of checkouts: their records, the idempotency keys that lead to them, the events that hastened them."""

from typing import Final

from sqlalchemy import Boolean, Column, Double, Index, LargeBinary, Table, Text, text

from storefront_mcp.database.tables.metadata import METADATA, Whole

LIVE: Final = text("live")
"""The condition of the partial index, spelled so that both databases recognise it."""

CHECKOUTS: Final = Table(
    "checkouts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("store", Text, nullable=False),
    Column("cart", Text, nullable=False),
    Column("pay_key", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("fence", Whole, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("due_at", Double),
    Column("hastened_at", Double),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("record", LargeBinary, nullable=False),
    Column("personal", LargeBinary),
    Index(
        "checkouts_one_live_per_cart",
        "store",
        "cart",
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    ),
    Index("checkouts_by_cart", "store", "cart", "created_at"),
    Index("checkouts_by_pay_key", "store", "pay_key"),
    Index("checkouts_by_state", "state", "created_at"),
    Index("checkouts_by_due_at", "due_at"),
    Index("checkouts_by_hastened_at", "hastened_at"),
    Index("checkouts_by_ended_at", "ended_at"),
)
"""What is searched for has a column; `record` is the rest as JSON. Times are Unix seconds.

`hastened_at` is apart from `due_at` so that a wish for haste outlives what the holder of the lease writes meanwhile.
`personal` is JSON, or what `seal` makes of it; NULL once erased.
"""

CHECKOUT_KEYS: Final = Table(
    "checkout_keys",
    METADATA,
    Column("store", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("checkout", Text, nullable=False, index=True),
)
"""Idempotency keys, as digests, and the checkout that each found or made."""

CHECKOUT_EVENTS: Final = Table(
    "checkout_events",
    METADATA,
    Column("store", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("checkout", Text),
    Column("at", Double, nullable=False, index=True),
)
"""What payment providers told us, each once."""
