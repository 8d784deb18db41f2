"""Documents of strangers: what was fetched, why not, and the port that fetches."""

import re
from typing import Final, Protocol

from msgspec import Struct

MAX_AGE_PATTERN: Final = re.compile(r"(?:^|[,\s])max-age=\"?(\d{1,9})", re.IGNORECASE)


class FetchedDocument(Struct, frozen=True, kw_only=True):
    """A document as it was served."""

    body: bytes
    cache_control: str

    def ttl_seconds(self, *, default: float, at_least: float, at_most: float) -> float:
        """How long it is fresh by its Cache-Control (RFC 9111 §5.2.2), within bounds."""
        said = MAX_AGE_PATTERN.search(self.cache_control)
        if "no-store" in self.cache_control.lower() or "no-cache" in self.cache_control.lower():
            return at_least
        return default if said is None else min(max(float(said[1]), at_least), at_most)


class DocumentUnavailable(Exception):
    """A document that is not fetched, or not served as it should be; the text is for the log."""

    def __init__(self, message: str, *, host_failed: bool = False) -> None:
        """`host_failed`: nothing on that host can be reached, whatever the path."""
        super().__init__(message)
        self.host_failed = host_failed


class DocumentSource(Protocol):
    """Fetches documents from wherever strangers say, and from nowhere that is private."""

    async def fetch(self, url: str) -> FetchedDocument:
        """The document at a URL that `addresses.is_public_url` takes. Raises DocumentUnavailable."""
