"""Metrics, traces, usage figures and logs: implementations of `storefront_mcp.instrumentation`."""
