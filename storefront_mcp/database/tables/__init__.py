"""Every table of the schema.

To add one: a module here that defines the table on `METADATA`, its line below, and one migration in
`database/migrations/versions` that creates the same (see there). Types that mean the same on SQLite and PostgreSQL:
Text, LargeBinary, Double, Boolean and `Whole`; JSON goes into LargeBinary as msgspec encodes it.
"""

from storefront_mcp.database.tables.alerts import ALERT_DELIVERIES, ALERTS
from storefront_mcp.database.tables.api_keys import API_KEYS, KEY_EPOCHS
from storefront_mcp.database.tables.audit import AUDIT, AUDIT_HEAD
from storefront_mcp.database.tables.cart_handles import CARTS
from storefront_mcp.database.tables.catalogue_changes import CATALOGUE_CHANGES
from storefront_mcp.database.tables.catalogue_mirrors import CATALOGUE_MIRRORS
from storefront_mcp.database.tables.checkouts import CHECKOUT_EVENTS, CHECKOUT_KEYS, CHECKOUTS
from storefront_mcp.database.tables.console_sessions import CONSOLE_INVITATIONS, CONSOLE_SEATS
from storefront_mcp.database.tables.emergency_stops import SCHEDULED_FLIPS, STOPS
from storefront_mcp.database.tables.flips import FLIPS
from storefront_mcp.database.tables.idempotency import REPLAYS
from storefront_mcp.database.tables.metadata import METADATA
from storefront_mcp.database.tables.order_mails import ORDER_MAILS
from storefront_mcp.database.tables.sandbox import SANDBOX_SLIPS
from storefront_mcp.database.tables.shared_secrets import KEYS
from storefront_mcp.database.tables.usage import TRAFFIC
from storefront_mcp.database.tables.workers import WORKERS, WRITE_PROBES

__all__ = [
    "ALERTS",
    "ALERT_DELIVERIES",
    "API_KEYS",
    "AUDIT",
    "AUDIT_HEAD",
    "CARTS",
    "CATALOGUE_CHANGES",
    "CATALOGUE_MIRRORS",
    "CHECKOUTS",
    "CHECKOUT_EVENTS",
    "CHECKOUT_KEYS",
    "CONSOLE_INVITATIONS",
    "CONSOLE_SEATS",
    "FLIPS",
    "KEYS",
    "KEY_EPOCHS",
    "METADATA",
    "ORDER_MAILS",
    "REPLAYS",
    "SANDBOX_SLIPS",
    "SCHEDULED_FLIPS",
    "STOPS",
    "TRAFFIC",
    "WORKERS",
    "WRITE_PROBES",
]
