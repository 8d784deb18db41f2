"""What Stripe says when it says no."""

from typing import Any


class Refused(Exception):
    """An error of Stripe's, as it goes over the wire. `kept`: whether an idempotency key repeats it."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
        kept: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        said = {"type": kind, "code": code, "message": message, "param": param}
        self.body: dict[str, Any] = {"error": {name: value for name, value in said.items() if value is not None}}


def unexpected(message: str, code: str | None = None) -> Refused:
    """A step that the object's state does not allow: execution had begun, so its key keeps the answer."""
    return Refused(message, code=code, kept=True)
