"""The Agentic Commerce Protocol as functions of bytes and headers, and its product feed."""
