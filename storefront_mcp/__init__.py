"""The engine: discovery documents, MCP and the way to a shop."""
