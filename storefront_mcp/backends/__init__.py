"""Adapters for shop software: one package per software, and the HTTP, cache and sanitizing code that they share."""
