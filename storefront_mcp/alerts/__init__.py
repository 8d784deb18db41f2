"""Alerts of our own: what is said of a condition, and how it reaches a person, by a signed webhook or by mail."""
