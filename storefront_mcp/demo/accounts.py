"""Service accounts: who they are, and the tokens they were given."""

import hmac
from collections.abc import Callable
from typing import Final

from storefront_mcp.demo.wire import Refused, Request

CLIENT_ID: Final = "storefront"
LASTS: Final = 3600
"""Seconds that a token is good."""


class Accounts:
    """The one service account of the shop, which may read everything."""

    def __init__(self, *, client_secret: str, clock: Callable[[], float], token: Callable[[], str]) -> None:
        """Let nobody in yet."""
        self.client_id = CLIENT_ID
        self.client_secret = client_secret
        self._clock = clock
        self._token = token
        self._until: dict[str, float] = {}

    def issue(self, client_id: str, client_secret: str) -> str:
        """A new token; 401 when these are not the account's."""
        right = hmac.compare_digest(client_secret.encode(), self.client_secret.encode())
        if client_id != self.client_id or not right:
            raise Refused(401, "invalid_client", "Invalid client credentials")
        issued = self._token() + self._token()
        self._until[issued] = self._clock() + LASTS
        return issued

    def forget(self) -> None:
        """Make every token useless."""
        self._until.clear()

    def admit(self, request: Request) -> None:
        """401 unless the request carries a token that is still good."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            raise Refused(401, "unauthorized", "Authentication required")
        if kind.lower() != "bearer" or self._until.get(token, 0.0) <= self._clock():
            raise Refused(401, "authentication_error", "Invalid or expired token")
