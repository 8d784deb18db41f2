"""Payment: the provider protocol, and its implementations."""
