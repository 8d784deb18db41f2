"""Build a guest cart and see what it costs."""
