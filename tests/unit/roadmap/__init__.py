"""Promises, deliveries, and what is shown of them."""
