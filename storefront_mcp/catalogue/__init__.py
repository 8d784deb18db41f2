"""The catalogue in front of a shop: a local mirror of its products, and the search over it."""
