"""Tests of `storefront_mcp/access`."""
