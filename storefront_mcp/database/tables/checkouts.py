"""Tables of checkouts, of their idempotency keys, and of the provider's events."""

from typing import Final

from sqlalchemy import Boolean, Column, Double, Index, LargeBinary, Table, Text, text

from storefront_mcp.database.tables.metadata import METADATA, Whole

LIVE: Final = text("live")
"""Condition of the partial index, in a form that both databases match with ON CONFLICT."""

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
    Column("holder", LargeBinary),
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
    Index("checkouts_by_holder", "holder", "created_at"),
    Index("checkouts_by_state", "state", "created_at"),
    Index("checkouts_by_due_at", "due_at"),
    Index("checkouts_by_hastened_at", "hastened_at"),
    Index("checkouts_by_ended_at", "ended_at"),
)
"""Fields that are queried have a column; `record` is the rest as JSON. Times are Unix seconds.

`hastened_at` is set by `mark_due`, apart from `due_at`, which the holder of the lease overwrites.
`personal` is JSON, encrypted where there is a key; NULL once erased, like `holder`, which is as of carts.
"""

CHECKOUT_KEYS: Final = Table(
    "checkout_keys",
    METADATA,
    Column("store", Text, primary_key=True),
    Column("cart", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("checkout", Text, nullable=False, index=True),
)
"""Digests of carts and idempotency keys, and the checkout of each pair: two shoppers may invent the same key."""

CHECKOUT_EVENTS: Final = Table(
    "checkout_events",
    METADATA,
    Column("store", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("checkout", Text),
    Column("at", Double, nullable=False, index=True),
)
"""Events of payment providers, each once."""
