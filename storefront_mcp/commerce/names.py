"""The ids of a shop: opaque strings that must not be mixed up."""

from typing import NewType

StoreId = NewType("StoreId", str)
Sku = NewType("Sku", str)
CategoryId = NewType("CategoryId", str)
CartId = NewType("CartId", str)
"""What names a cart: towards agents our own handle (`cart_…`), towards a backend whatever that backend calls it."""
LineId = NewType("LineId", str)
