"""`PlatformRefused`: a platform that a request cannot be answered for, and how each binding tells it."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

DISCOVERY_FAILED: Final = -32001
INVALID_REQUEST: Final = -32600


class FailureStatus(Struct, frozen=True):
    """How a failure is told: by HTTP status (both bindings), and by JSON-RPC code on MCP."""

    status: int
    rpc_code: int | None
    """None: a result, not an error."""


FAILURE_STATUSES: Final[Mapping[str, FailureStatus]] = {
    "invalid_profile_url": FailureStatus(400, DISCOVERY_FAILED),
    "profile_unreachable": FailureStatus(424, DISCOVERY_FAILED),
    "profile_malformed": FailureStatus(422, DISCOVERY_FAILED),
    "version_unsupported": FailureStatus(422, DISCOVERY_FAILED),
    "capabilities_incompatible": FailureStatus(200, None),
    "digest_mismatch": FailureStatus(400, INVALID_REQUEST),
}
"""By the specification's code (Overview, Error handling)."""


class PlatformRefused(Exception):
    """A request that is refused before anything is done for it."""

    def __init__(self, code: str, content: str, *, retry_after: int | None = None) -> None:
        """`code` is one of `FAILURE_STATUSES`, `content` is for people, `retry_after` is in seconds."""
        super().__init__(content)
        self.code = code
        self.content = content
        self.failure = FAILURE_STATUSES[code]
        self.retry_after = retry_after
