"""HTTP: the Litestar application, the MCP transports, documents and buyer pages."""
