"""Who did what, and whether anybody changed it."""
