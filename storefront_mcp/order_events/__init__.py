"""Webhooks about orders: who is told, and how they are sent."""
