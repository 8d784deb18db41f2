"""What the agent protocols are at this server, for those who say it (cards) and those who do it (protocol rooms)."""
