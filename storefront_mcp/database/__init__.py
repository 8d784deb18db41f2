"""Storage in SQL, in one SQLite file or on PostgreSQL: implements the repositories that lower packages declare."""

from storefront_mcp.database.cart_handles import SqlCartHandleRepository
from storefront_mcp.database.checkouts import SqlCheckoutRepository
from storefront_mcp.database.encryption import FieldEncryption
from storefront_mcp.database.engine import Database
from storefront_mcp.database.errors import DatabaseUnusable
from storefront_mcp.database.flips import SqlFlipRepository

__all__ = [
    "Database",
    "DatabaseUnusable",
    "FieldEncryption",
    "SqlCartHandleRepository",
    "SqlCheckoutRepository",
    "SqlFlipRepository",
]
