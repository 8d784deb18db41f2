"""The demo shop, asked over httpx as an adapter would ask it."""
