"""Messages, the error envelope and the bodies of failures."""

from typing import Literal

from msgspec import Struct

from storefront_mcp.ucp.failures import Severity, UcpFailure, UcpOutcome


class UcpMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error, a warning or an information within an answer."""

    type: Literal["error", "warning", "info"]
    code: str | None = None
    content: str
    severity: Severity | None = None
    """Of errors alone."""
    path: str | None = None
    """RFC 9535, from the answer's root."""


class ErrorMetadata(Struct, frozen=True, kw_only=True):
    """The `ucp` member of the error envelope."""

    version: str
    status: Literal["error"] = "error"


class ErrorEnvelope(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer where there is no object."""

    ucp: ErrorMetadata
    messages: tuple[UcpMessage, ...]
    continue_url: str | None = None


class FailureBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an HTTP failure; `messages` repeat it for clients that read nothing else."""

    code: str
    content: str
    continue_url: str | None = None
    retry_after: int | None = None
    messages: tuple[UcpMessage, ...] = ()


def error_message(code: str, content: str, severity: Severity, path: str | None = None) -> UcpMessage:
    """An error."""
    return UcpMessage(type="error", code=code, content=content, severity=severity, path=path)


def warning_message(code: str, content: str, path: str | None = None) -> UcpMessage:
    """A warning."""
    return UcpMessage(type="warning", code=code, content=content, path=path)


def information_message(code: str, content: str, path: str | None = None) -> UcpMessage:
    """An information."""
    return UcpMessage(type="info", code=code, content=content, path=path)


def outcome_envelope(outcome: UcpOutcome, version: str, continue_url: str) -> ErrorEnvelope:
    """The envelope of an outcome."""
    told = error_message(outcome.code, str(outcome), outcome.severity, outcome.path)
    return ErrorEnvelope(ucp=ErrorMetadata(version=version), messages=(told,), continue_url=continue_url)


def failure_body(failure: UcpFailure) -> FailureBody:
    """The body of a failure over REST."""
    told = error_message(failure.code, str(failure), "unrecoverable")
    return FailureBody(code=failure.code, content=str(failure), retry_after=failure.retry_after, messages=(told,))
