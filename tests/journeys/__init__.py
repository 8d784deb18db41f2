"""Stories of agents, scanners and operators, over HTTP against the whole server."""
