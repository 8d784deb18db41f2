"""Errors as problem documents (RFC 9457).

Not Litestar's ProblemDetailsPlugin: its documents have other members in another order, and none before the framework.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from litestar import Response
from msgspec import UNSET, Struct, UnsetType

PROBLEM_TYPE: Final = "application/problem+json"


class ProblemDetails(Struct, frozen=True, kw_only=True):
    """A problem document."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str | UnsetType = UNSET
    """The error's code, where it has one (an extension member, RFC 9457 §3.2)."""


def problem_bytes(status: int, detail: str, *, code: str | None = None) -> bytes:
    """A problem document for a status; `detail` says what to do."""
    title = HTTPStatus(status).phrase
    return msgspec.json.encode(ProblemDetails(title=title, status=status, detail=detail, code=code or UNSET))


def problem_response(
    status: int, detail: str, headers: Mapping[str, str] | None = None, *, code: str | None = None
) -> Response[bytes]:
    """The same as a response of the framework, which nobody may cache."""
    return Response(
        problem_bytes(status, detail, code=code),
        status_code=status,
        media_type=PROBLEM_TYPE,
        headers={"cache-control": "no-store", **(headers or {})},
    )
