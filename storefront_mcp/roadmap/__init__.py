"""Phases, their manifests and statuses, recorded flips, feature flags, and the type of a discovery document."""
