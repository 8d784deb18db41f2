"""Every table of the schema.

To add one: a module here that defines the table on `METADATA`, and one migration in `database/migrations/versions` that
creates the same (see `database/migrations/__init__.py`). Types that mean the same on SQLite and PostgreSQL: Text,
LargeBinary, Double, Boolean and `Whole`; JSON goes into LargeBinary as msgspec encodes it.
"""

from importlib import import_module
from pkgutil import iter_modules

from storefront_mcp.database.tables.metadata import METADATA

__all__ = ["METADATA"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
