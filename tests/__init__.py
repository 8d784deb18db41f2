"""The tests; a package so that `tests.fakes.agent` can be imported."""
