"""Verification of credentials: API keys, OAuth 2 access tokens and HTTP message signatures."""
