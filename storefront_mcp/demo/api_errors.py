"""Errors of Maho's REST v2, as `http` writes them: `{"error", "message", "code"}`."""

from typing import Any, Final

Json = dict[str, Any]

MAX_CODE_POINT: Final = 0xFFFF
"""The last character that the tables can hold: those of the basic plane take three bytes at most."""


class ApiError(Exception):
    """A rejected request: HTTP status, Maho's snake-case code, and the message, sent verbatim."""

    def __init__(self, status: int, error: str, message: str) -> None:
        """Keep the three parts of the body."""
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message


def bad_request(message: str) -> ApiError:
    """400 with Maho's general code."""
    return ApiError(400, "bad_request", message)


def not_found(message: str = "Not Found") -> ApiError:
    """404."""
    return ApiError(404, "not_found", message)


def check_storable(*texts: str) -> None:
    """500 for a character beyond the basic plane, which the shop's tables (utf8mb3) cannot hold."""
    if any(ord(character) > MAX_CODE_POINT for text in texts for character in text):
        raise internal_error()


def internal_error() -> ApiError:
    """500 without a reason."""
    return ApiError(500, "internal_server_error", "An internal error occurred")
