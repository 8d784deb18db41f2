"""The Agent2Agent protocol (A2A 1.0 and 0.3) as functions of bytes and headers, and the store's agent behind it.

The agent has no model: it runs the store's tools for structured data and for a few fixed phrases.
"""
