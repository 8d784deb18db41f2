"""Prepare an order that a person pays for."""
