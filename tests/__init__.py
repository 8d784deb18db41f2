"""The tests; a package so that `tests.agent` can be imported."""
