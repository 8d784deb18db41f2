"""The checks: one module for each area, each with its `CHECKS` in the order in which they make sense."""
