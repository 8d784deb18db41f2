"""Errors as problem documents (RFC 9457)."""

from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct

MEDIA_TYPE: Final = "application/problem+json"


class Problem(Struct, frozen=True, kw_only=True):
    """What went wrong, for programs and for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def problem_bytes(status: int, detail: str) -> bytes:
    """A problem document for a status; `detail` says what to do."""
    return msgspec.json.encode(Problem(title=HTTPStatus(status).phrase, status=status, detail=detail))
