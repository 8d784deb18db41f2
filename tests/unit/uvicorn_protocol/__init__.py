"""Tests of `storefront_mcp/uvicorn_protocol`."""
