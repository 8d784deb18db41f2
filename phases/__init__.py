"""What we do: one folder per phase; open it and see all that it delivers."""
