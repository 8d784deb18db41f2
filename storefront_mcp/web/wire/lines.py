"""Header lines as they are sent, each checked and put together once."""

from collections.abc import Sequence
from typing import Final

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE

AT_MOST: Final = 512
"""Header lines remembered: those that every answer has, and room for some that few have."""

Header = tuple[bytes, bytes]


class Lines:
    """The lines of one process."""

    def __init__(self) -> None:
        self.known: dict[Header, bytes] = {}
        """Never those that say how an answer ends: they are each answer's own."""
        self._defaults: list[Header] = []
        self._default_lines = b""
        self._openings: dict[tuple[int, int], tuple[list[Header], Sequence[Header], bytes]] = {}

    def line(self, header: Header) -> bytes:
        """One header. Raises RuntimeError for one that would break out of its line."""
        line = self.known.get(header)
        if line is None:
            name, value = header
            if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
                message = "Invalid HTTP header."
                raise RuntimeError(message)
            if len(self.known) >= AT_MOST:
                self.known.clear()
            line = self.known[header] = name.lower() + b": " + value + b"\r\n"
        return line

    def defaults(self, headers: list[Header]) -> bytes:
        """The server's own headers; uvicorn makes them anew every second, for the date."""
        if headers is not self._defaults:
            self._defaults, self._default_lines = headers, b"".join(map(self.line, headers))
        return self._default_lines

    def opening(self, status: int, defaults: list[Header], headers: Sequence[Header]) -> bytes:
        """The status line, the server's own headers, and several that stay the same. Raises RuntimeError as `line`."""
        name = (status, id(headers))
        known = self._openings.get(name)
        if known is None or known[0] is not defaults or known[1] is not headers:
            if len(self._openings) >= AT_MOST:
                self._openings.clear()
            opening = b"".join((STATUS_LINE[status], self.defaults(defaults), *map(self.line, headers)))
            known = self._openings[name] = (defaults, headers, opening)
        return known[2]


OF_THIS_PROCESS: Final = Lines()
