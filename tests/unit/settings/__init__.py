"""Settings, and the messages about invalid ones."""
