"""Every table there is: what a fresh database is made of.

To add one: a module here that defines the table on `METADATA`, its line below, and one migration in
`database/migrations/versions` that creates the same (see there). Types that mean the same on SQLite and PostgreSQL:
Text, LargeBinary, Double, Boolean and `Whole`; JSON goes into LargeBinary as msgspec encodes it.
"""

from storefront_mcp.database.tables.api_keys import API_KEYS, KEY_EPOCHS
from storefront_mcp.database.tables.audit import AUDIT, AUDIT_HEAD
from storefront_mcp.database.tables.carts import CARTS
from storefront_mcp.database.tables.checkouts import CHECKOUT_EVENTS, CHECKOUT_KEYS, CHECKOUTS
from storefront_mcp.database.tables.flips import FLIPS
from storefront_mcp.database.tables.keys import KEYS
from storefront_mcp.database.tables.metadata import METADATA
from storefront_mcp.database.tables.replays import REPLAYS
from storefront_mcp.database.tables.sandbox import SANDBOX_SLIPS
from storefront_mcp.database.tables.seats import CONSOLE_INVITATIONS, CONSOLE_SEATS
from storefront_mcp.database.tables.traffic import TRAFFIC

__all__ = [
    "API_KEYS",
    "AUDIT",
    "AUDIT_HEAD",
    "CARTS",
    "CHECKOUTS",
    "CHECKOUT_EVENTS",
    "CHECKOUT_KEYS",
    "CONSOLE_INVITATIONS",
    "CONSOLE_SEATS",
    "FLIPS",
    "KEYS",
    "KEY_EPOCHS",
    "METADATA",
    "REPLAYS",
    "SANDBOX_SLIPS",
    "TRAFFIC",
]
