"""What is written down: flips of phases and the handles of carts, in one SQLite file."""

from storefront_mcp.database.engine import Database, DatabaseUnusable
from storefront_mcp.database.flips import DatabaseFlags
from storefront_mcp.database.handles import DatabaseHandles

__all__ = ["Database", "DatabaseFlags", "DatabaseHandles", "DatabaseUnusable"]
