"""How a person pays: the port, and the providers behind it."""
