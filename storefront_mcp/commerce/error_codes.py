"""Stable error codes for agents, audit, metrics, traces and logs."""

from typing import ClassVar, Final

INTERNAL_ERROR: Final = "internal_error"
"""Internal error; the log has the traceback."""
CANCELLED: Final = "cancelled"
"""Cancelled: the client disconnected, or the server stops."""


class CodedError(Exception):
    """An error with a public code: snake_case, unique, never changed once released."""

    code: ClassVar[str] = INTERNAL_ERROR
    notices: tuple[str, ...] = ()
    """What happened besides, as it is said after the message."""

    def add_notice(self, notice: str) -> None:
        """Say after the message what happened besides."""
        self.args = (f"{self} {notice}",)
        self.notices = (*self.notices, notice)

    def without_notices(self) -> str:
        """The message alone."""
        text = str(self)
        for notice in reversed(self.notices):
            text = text.removesuffix(f" {notice}")
        return text


def error_code(error: BaseException) -> str:
    """The recorded code of a failure; `internal_error` or `cancelled` for errors without one."""
    if isinstance(error, CodedError):
        return error.code
    return INTERNAL_ERROR if isinstance(error, Exception) else CANCELLED


def error_name(error: BaseException) -> str:
    """The name of an error in a log line: its code, or another library's class name."""
    return error.code if isinstance(error, CodedError) else type(error).__name__
