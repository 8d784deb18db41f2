"""Ids: opaque strings, told apart by type."""

from typing import NewType

StoreId = NewType("StoreId", str)
Sku = NewType("Sku", str)
CategoryId = NewType("CategoryId", str)
CartId = NewType("CartId", str)
"""Towards agents a handle of this server (`cart_…`), towards a backend that backend's own id."""
LineId = NewType("LineId", str)
