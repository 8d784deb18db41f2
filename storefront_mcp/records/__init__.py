"""Entries and storage ports: audit, console sessions, usage.

Import contracts put `database` above `calls`, `mcp` and `console`, which use records; so each kind of record has a
protocol here, or beside the code that uses it, and one module of the same name in `database` that implements it.
"""
