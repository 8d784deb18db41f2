"""Cache of response header lines as they are sent, each validated and formatted once."""

from collections.abc import Sequence
from typing import Final

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE

MAX_CACHED_LINES: Final = 512
"""Header lines remembered in a plain dict: an answer has about ten, and each saves 2 µs of checking and joining."""

Header = tuple[bytes, bytes]


class HeaderLineCache:
    """The header lines of one process."""

    def __init__(self) -> None:
        self.known: dict[Header, bytes] = {}
        """By header; never the framing headers, which differ with each response."""
        self._defaults: list[Header] = []
        self._default_lines = b""
        self._openings: dict[tuple[int, int], tuple[list[Header], Sequence[Header], bytes]] = {}

    def line(self, header: Header) -> bytes:
        """One header as a line. Raises RuntimeError for characters that HTTP does not allow in it."""
        line = self.known.get(header)
        if line is None:
            name, value = header
            if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
                message = "Invalid HTTP header."
                raise RuntimeError(message)
            if len(self.known) >= MAX_CACHED_LINES:
                self.known.clear()
            line = self.known[header] = name.lower() + b": " + value + b"\r\n"
        return line

    def defaults(self, headers: list[Header]) -> bytes:
        """The lines of the server's own headers, of which uvicorn makes a new list every second, for the date."""
        if headers is not self._defaults:
            self._defaults, self._default_lines = headers, b"".join(map(self.line, headers))
        return self._default_lines

    def opening(self, status: int, defaults: list[Header], headers: Sequence[Header]) -> bytes:
        """Status line, the server's own headers, and a fixed list of others. Raises RuntimeError as `line`."""
        key = (status, id(headers))
        known = self._openings.get(key)
        if known is None or known[0] is not defaults or known[1] is not headers:
            if len(self._openings) >= MAX_CACHED_LINES:
                self._openings.clear()
            opening = b"".join((STATUS_LINE[status], self.defaults(defaults), *map(self.line, headers)))
            known = self._openings[key] = (defaults, headers, opening)
        return known[2]


HEADER_LINES: Final = HeaderLineCache()
