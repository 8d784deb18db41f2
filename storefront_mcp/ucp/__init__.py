"""The Universal Commerce Protocol as functions of requests: one set of operations, two releases, MCP and REST."""
