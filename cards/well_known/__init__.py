"""Documents under `/.well-known/`, where agents and registries look first."""
