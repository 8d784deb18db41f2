"""Addresses of the world: how countries and regions are called, and what an address of a country needs."""
