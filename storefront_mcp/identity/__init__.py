"""From what a request shows to who sent it: API keys and OAuth 2 access tokens."""
