"""Errors of the protocol: JSON-RPC code, HTTP status and reason (A2A 1.0 §3.3.2, §5.4, §9.5, §11.6)."""

from collections.abc import Sequence
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

ERROR_DOMAIN: Final = "a2a-protocol.org"
ERROR_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"
RATE_LIMITED_CODE: Final = 429
"""Our own, after HTTP 429; outside the range that JSON-RPC reserves."""


class A2aErrorKind(Enum):
    """Kinds of errors: (JSON-RPC code, HTTP status, name of the status in `google.rpc.Code`)."""

    PARSE_ERROR = (-32700, 400, "INVALID_ARGUMENT")
    INVALID_REQUEST = (-32600, 400, "INVALID_ARGUMENT")
    METHOD_NOT_FOUND = (-32601, 404, "NOT_FOUND")
    METHOD_NOT_ALLOWED = (-32601, 405, "UNIMPLEMENTED")
    """The operation is there, under another method of HTTP."""
    INVALID_PARAMS = (-32602, 400, "INVALID_ARGUMENT")
    INTERNAL_ERROR = (-32603, 500, "INTERNAL")
    TASK_NOT_FOUND = (-32001, 404, "NOT_FOUND")
    TASK_NOT_CANCELABLE = (-32002, 400, "FAILED_PRECONDITION")
    PUSH_NOTIFICATION_NOT_SUPPORTED = (-32003, 400, "FAILED_PRECONDITION")
    UNSUPPORTED_OPERATION = (-32004, 400, "FAILED_PRECONDITION")
    CONTENT_TYPE_NOT_SUPPORTED = (-32005, 400, "INVALID_ARGUMENT")
    EXTENDED_AGENT_CARD_NOT_CONFIGURED = (-32007, 400, "FAILED_PRECONDITION")
    VERSION_NOT_SUPPORTED = (-32009, 400, "FAILED_PRECONDITION")
    RATE_LIMITED = (RATE_LIMITED_CODE, 429, "RESOURCE_EXHAUSTED")
    CLOSED = (-32603, 503, "UNAVAILABLE")
    """No phase of the store is open now."""

    @property
    def code(self) -> int:
        """The JSON-RPC error code."""
        return self.value[0]

    @property
    def http_status(self) -> HTTPStatus:
        """The status of the HTTP+JSON binding."""
        return HTTPStatus(self.value[1])

    @property
    def rpc_status(self) -> str:
        """The name of the status in the HTTP+JSON binding."""
        return self.value[2]

    @property
    def outside_protocol(self) -> bool:
        """Whether it is HTTP's to say in both bindings: the protocol has no word for it."""
        return self in {A2aErrorKind.RATE_LIMITED, A2aErrorKind.CLOSED}


class A2aError(Exception):
    """A protocol error. `str(error)` is for the client: what is wrong and what to do."""

    def __init__(
        self, kind: A2aErrorKind, message: str, *, retry_after: int | None = None, allowed: Sequence[str] = ()
    ) -> None:
        """`retry_after` is in seconds, `allowed` are methods of HTTP."""
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after
        self.allowed = allowed

    def details(self) -> list[dict[str, Any]]:
        """The `ErrorInfo` of a protocol error, in both bindings."""
        return [{"@type": ERROR_INFO, "reason": self.kind.name, "domain": ERROR_DOMAIN, "metadata": {}}]


def invalid_params(message: str) -> A2aError:
    """The error of parameters that do not fit."""
    return A2aError(A2aErrorKind.INVALID_PARAMS, message)
