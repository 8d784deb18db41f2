"""Us and our peers side by side: the same tool, the same answer, one core each for server and load."""
