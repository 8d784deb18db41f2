"""Tests with programs of somebody else: browsers, MCP clients, scanners, proxies, the official suite."""
