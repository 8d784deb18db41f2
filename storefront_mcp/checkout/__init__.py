"""The way from a cart to exactly one paid order, whatever fails in between."""
