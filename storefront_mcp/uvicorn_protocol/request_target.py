"""Parse request targets, in origin and in absolute form (RFC 9112 §3.2)."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

import httptools

MAX_CACHED_TARGETS: Final = 512
"""Targets remembered in a plain dict: most requests are for the same few, and each saves 1 µs of parsing."""
MAX_CACHED_TARGET_BYTES: Final = 128
"""Bytes of a target that is kept; it has no query and no host."""
DEFAULT_PORTS: Final = {b"http": b":80", b"https": b":443"}

RequestTarget = tuple[str, bytes, bytes]
"""Decoded path, path as sent, query."""


class RefusedRequest(Exception):
    """A request that the protocol answers itself, before the application, and then closes the connection."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class TargetParser:
    """Parser of request targets that caches the short ones."""

    def __init__(self) -> None:
        self.cached: dict[bytes, RequestTarget] = {}

    def parse(self, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> RequestTarget:
        """The parts of a target. Raises RefusedRequest: malformed, or for another host than `Host` names."""
        try:
            # httptools' stubs promise parts that may be missing.
            parsed: Any = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError:
            raise RefusedRequest(400, "The request's target is no address.") from None
        if parsed.host is not None:
            _check_host(parsed, headers)
        raw_path = parsed.path or b"/"
        try:
            path = raw_path.decode("ascii")
        except UnicodeDecodeError:
            raise RefusedRequest(400, "The request's target is not ASCII.") from None
        target = (_unquote(path), raw_path, parsed.query or b"")
        if len(url) <= MAX_CACHED_TARGET_BYTES and not target[2] and parsed.host is None:
            if len(self.cached) >= MAX_CACHED_TARGETS:
                self.cached.clear()
            self.cached[url] = target
        return target


def _unquote(path: str) -> str:
    return unquote(path) if "%" in path else path


def _check_host(parsed: Any, headers: Sequence[tuple[bytes, bytes]]) -> None:  # noqa: ANN401 -- see above
    """Target and Host must agree, or a proxy may route by one and we by the other. Raises RefusedRequest."""
    scheme = (parsed.schema or b"").lower()
    default = DEFAULT_PORTS.get(scheme)
    if default is None or parsed.userinfo is not None:
        raise RefusedRequest(400, "The request's target has to begin with http:// or https:// and a host.")
    host = b"[%b]" % parsed.host if b":" in parsed.host else parsed.host
    target_host = host.lower() + (b"" if parsed.port is None else b":%d" % parsed.port)
    hosts = [value.strip().lower().removesuffix(default) for name, value in headers if name == b"host"]
    if hosts != [target_host.removesuffix(default)]:
        raise RefusedRequest(400, "The request's target and its Host have to name the same host.")
