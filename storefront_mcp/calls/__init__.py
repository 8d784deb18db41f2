"""The only way to run a tool."""
