"""Rate limits of attempts by client address, and the service account with its access tokens."""

import hmac
from collections import deque
from collections.abc import Callable
from typing import Final

from storefront_mcp.demo.api_errors import ApiError

CLIENT_ID: Final = "storefront"
PERMISSIONS: Final = ("orders/read", "carts/read")
"""The permissions that the adapter needs, and those of the account unless it is given others."""
TOKEN_TTL_SECONDS: Final = 3600


class AttemptCounter:
    """A sliding-window limit for each kind of attempt and client."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with nothing counted; `clock` gives seconds."""
        self._clock = clock
        self._attempts: dict[tuple[str, str], deque[float]] = {}

    def count(self, kind: str, client: str, *, most: int, seconds: float) -> None:
        """Count one attempt; 429 when there were `most` within the window, and that one is not counted."""
        now = self._clock()
        attempts = self._attempts.setdefault((kind, client), deque())
        while attempts and attempts[0] <= now - seconds:
            attempts.popleft()
        if len(attempts) >= most:
            raise ApiError(429, "too_many_requests", "Too many requests. Please try again later.")
        attempts.append(now)


class ApiAccount:
    """The shop's one service account with its permissions and access tokens."""

    def __init__(self, *, client_secret: str, clock: Callable[[], float], token: Callable[[], str]) -> None:
        """Start without tokens."""
        self.client_id = CLIENT_ID
        self.client_secret = client_secret
        self.permissions = PERMISSIONS
        self._clock = clock
        self._token = token
        self._expiries: dict[str, float] = {}

    def issue(self, client_id: str, client_secret: str) -> str:
        """Issue an access token; 401 for wrong credentials."""
        right = hmac.compare_digest(client_secret.encode(), self.client_secret.encode())
        if client_id != self.client_id or not right:
            raise ApiError(401, "invalid_client", "Invalid client credentials")
        issued = self._token() + self._token()
        self._expiries[issued] = self._clock() + TOKEN_TTL_SECONDS
        return issued

    def revoke_all(self) -> None:
        """Revoke every token."""
        self._expiries.clear()

    def authenticate(self, authorization: str, permission: str) -> None:
        """401 unless this Authorization header carries a valid token, 403 unless the account has the permission."""
        scheme, _, token = authorization.partition(" ")
        if not token:
            raise ApiError(401, "unauthorized", "Authentication required")
        if scheme.lower() != "bearer" or self._expiries.get(token, 0.0) <= self._clock():
            raise ApiError(401, "authentication_error", "Invalid or expired token")
        if permission not in self.permissions:
            raise ApiError(403, "forbidden", "Access denied")
