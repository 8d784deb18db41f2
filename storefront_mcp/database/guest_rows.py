"""How much of their room guests have filled: rows of what they may make us keep, against the bounds of the settings."""

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import func, select

from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables.audit import AUDIT
from storefront_mcp.database.tables.cart_handles import CARTS
from storefront_mcp.database.tables.checkouts import CHECKOUTS
from storefront_mcp.database.tables.idempotency import REPLAYS
from storefront_mcp.records.audit import audit_timestamp


def count_guest_rows(database: Database, now: dt.datetime) -> Mapping[str, int]:
    """Rows by the name of their bound in `[guests]`: carts, answers, open checkouts, audit entries of the last day."""
    since = audit_timestamp(now - dt.timedelta(days=1))
    counted = {
        "carts": select(func.count()).select_from(CARTS),
        "answers": select(func.count()).select_from(REPLAYS),
        "checkouts": select(func.count()).select_from(CHECKOUTS).where(CHECKOUTS.c.state == "open"),
        "audit_entries": select(func.count()).select_from(AUDIT).where(AUDIT.c.at >= since),
    }
    with database.reading() as connection:
        return {name: connection.execute(query).scalar_one() for name, query in counted.items()}
