"""Tests of `storefront_mcp/tools`."""
