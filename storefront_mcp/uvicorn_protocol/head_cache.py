"""Cache of request heads: a client's requests have the same one again and again, but for its Content-Length."""

from typing import Any, Final

from msgspec import Struct

MAX_CACHED_HEADS: Final = 512
"""Heads remembered in a plain dict, at most 3 MB: each saves 8 µs of parsing."""
MAX_SEEN_HEADS: Final = 4_096
"""Heads that are known to have come once: those that never come again must not push out those that do."""
MAX_CACHED_HEAD_BYTES: Final = 2_048
"""Bytes of a head that is kept."""
LENGTH_NAME: Final = b"content-length"
LENGTH_LINES: Final = (b"\r\nContent-Length: ", b"\r\ncontent-length: ")
"""How a head that is kept names its length."""
MAX_LENGTH_DIGITS: Final = 6
END_OF_LINE: Final = b"\r\n"
END_OF_HEAD: Final = END_OF_LINE + END_OF_LINE
"""Also that of a chunked body (RFC 9112 §7.1): the parser takes no other line ends."""
UNCACHED_NAMES: Final = frozenset({b"authorization", b"cookie", b"expect", b"transfer-encoding", b"upgrade"})
"""Headers of heads that are not kept: those that let somebody in, and those that change how a request is read."""
CONNECTION_KEYS: Final = ("server", "client", "scheme", "headers", "state")
"""Of a scope: what belongs to the connection or to one request alone."""


class CachedHead(Struct, frozen=True):
    """A head as it was parsed."""

    scope: dict[str, Any]
    """Its ASGI scope without `CONNECTION_KEYS`."""
    headers: list[tuple[bytes, bytes]]
    length_index: int
    """Index of Content-Length in `headers`."""

    def headers_with(self, digits: bytes) -> list[tuple[bytes, bytes]]:
        """The headers with another length."""
        headers = self.headers.copy()
        headers[self.length_index] = (LENGTH_NAME, digits)
        return headers


class HeadCache:
    """The request heads of one process.

    A head is kept when it comes for the second time. Two heads that differ in nothing but the digits of their only
    Content-Length are parsed to the same, with another length.
    """

    def __init__(self) -> None:
        self.cached: dict[bytes, CachedHead] = {}
        """By the head without these digits."""
        self._seen: set[int] = set()

    def find(self, data: bytes) -> tuple[CachedHead, bytes, int] | None:
        """The cached head with which data begins, the digits of its length, and its end; None where there is none."""
        end = data.find(END_OF_HEAD, 0, MAX_CACHED_HEAD_BYTES)
        start, stop = _length_in(data, end)
        if start < 0:
            return None
        end += len(END_OF_HEAD)
        cached = self.cached.get(data[:start] + data[stop:end])
        if cached is None:
            return None
        digits = data[start:stop]
        return (cached, digits, end) if digits.isdigit() and len(digits) <= MAX_LENGTH_DIGITS else None

    def add(self, request: bytes, scope: Any) -> None:  # noqa: ANN401 -- an ASGI scope
        """Keep the head of a request that was parsed to this scope, and whose connection stays open.

        The request's first byte is that of `request`: what looks like a head within one must not pass for one.
        Not every head is kept: see `UNCACHED_NAMES`.
        """
        end = request.find(END_OF_HEAD, 0, MAX_CACHED_HEAD_BYTES)
        start, stop = _length_in(request, end)
        if start < 0 or scope["method"] != "POST" or scope["http_version"] != "1.1":
            return
        end += len(END_OF_HEAD)
        key = request[:start] + request[stop:end]
        mark = hash(key)
        if mark not in self._seen:
            if len(self._seen) >= MAX_SEEN_HEADS:
                self._seen.clear()
            self._seen.add(mark)
            return
        headers = list(scope["headers"])
        names = [name for name, _ in headers]
        if names.count(LENGTH_NAME) != 1 or not UNCACHED_NAMES.isdisjoint(names):
            return
        if len(self.cached) >= MAX_CACHED_HEADS:
            self.cached.clear()
        kept = {name: value for name, value in scope.items() if name not in CONNECTION_KEYS}
        self.cached[key] = CachedHead(kept, headers, names.index(LENGTH_NAME))


def _length_in(data: bytes, end: int) -> tuple[int, int]:
    """Where the digits of Content-Length begin and end in a head that ends there; -1 where it is written otherwise."""
    for line in LENGTH_LINES:
        found = data.find(line, 0, end)
        if found >= 0 <= end:
            start = found + len(line)
            return start, data.find(END_OF_LINE, start)
    return -1, -1


HEAD_CACHE: Final = HeadCache()
