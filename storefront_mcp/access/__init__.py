"""Who calls and what they may: callers, scopes, credentials, rate limits; words and ports, no implementation."""
