"""Catalogue of the demo shop: its model, the format of `catalogue.json`, and the assembled Pickle Warehouse."""
