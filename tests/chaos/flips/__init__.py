"""Flips of phases by several people and processes at once, some of which die."""
