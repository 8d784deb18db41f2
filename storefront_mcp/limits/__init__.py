"""Where tokens are counted: in the memory of one worker, or in a Valkey or Redis that workers share."""

from storefront_mcp.limits.choosing import ClientMissing, buckets
from storefront_mcp.limits.memory import MemoryBuckets

__all__ = ["ClientMissing", "MemoryBuckets", "buckets"]
