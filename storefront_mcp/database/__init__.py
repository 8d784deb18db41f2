"""What is written down: flips of phases, the handles of carts, checkouts; in one SQLite file or on PostgreSQL."""

from storefront_mcp.database.checkouts import DatabaseCheckouts
from storefront_mcp.database.engine import Database
from storefront_mcp.database.flips import DatabaseFlags
from storefront_mcp.database.handles import DatabaseHandles
from storefront_mcp.database.seal import PersonalSeal
from storefront_mcp.database.unusable import DatabaseUnusable

__all__ = ["Database", "DatabaseCheckouts", "DatabaseFlags", "DatabaseHandles", "DatabaseUnusable", "PersonalSeal"]
