"""The checks: one module for each area, each with its `CHECKS` in the order of the report."""
