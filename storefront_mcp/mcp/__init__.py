"""The Model Context Protocol as pure functions of bytes and headers."""
