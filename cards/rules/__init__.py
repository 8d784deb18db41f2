"""Validation rules of published documents, as data that doctor, console and tests run."""
