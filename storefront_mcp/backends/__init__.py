"""Shops we can ask: one room per kind of shop software, and what all of them share."""
