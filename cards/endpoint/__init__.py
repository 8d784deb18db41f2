"""Documents beside the MCP endpoint, under `/mcp/`: served in every state of the roadmap."""
