"""A real Medusa, from its npm packages over Debian's PostgreSQL."""
