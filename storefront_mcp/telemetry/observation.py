"""Base of the observations that count one operation when it ends."""

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from storefront_mcp.records.outcomes import OK


class CountedObservation(Struct, kw_only=True):
    """An operation under way and its outcome. Implements `UpstreamObservation` but for `end`."""

    outcome: str = OK

    headers: ClassVar[Mapping[str, str]] = {}

    def record_outcome(self, outcome: str) -> None:
        """Only the first call counts."""
        if self.outcome == OK:
            self.outcome = outcome

    def record_error_code(self, code: int) -> None:
        """The code as the outcome, unless there is one already."""
        self.record_outcome(str(code))
