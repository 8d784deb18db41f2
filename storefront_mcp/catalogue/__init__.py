"""The catalogue in front of a shop: a cache of what it said, a local mirror of its products, and the search over it."""
