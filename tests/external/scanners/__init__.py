"""Scanners of agent readiness, as their authors ship them, against the demo shop."""
