"""Why a request had no answer: `ProbeFailed`, and the kinds of failure by the errors of httpx, aiohttp and OpenSSL."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Final, Literal
from urllib.parse import urlsplit

import httpx

from storefront_mcp.commerce.error_codes import error_name

Why = Literal[
    "nobody listens",
    "no route",
    "unknown host",
    "no connection",
    "not encrypted",
    "encrypted",
    "wrong name",
    "expired",
    "certificate",
    "silence",
    "torn",
]

TLS_PROBE_SECONDS: Final = 3.0
"""Time for the handshake that tells whether a port speaks TLS."""
EXPIRED_CODES: Final = frozenset({9, 10})
"""OpenSSL's verify results of a certificate that is not yet, or no longer, valid."""
WRONG_NAME_CODES: Final = frozenset({62, 64})
"""OpenSSL's verify results of a certificate for another host or IP address."""
PLAIN_REASONS: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
)
"""OpenSSL's reasons when what answers a TLS handshake is no TLS."""


class ProbeFailed(Exception):
    """A request without a response; `why` is the kind of failure, `detail` the error's message."""

    def __init__(self, url: str, why: Why, detail: str) -> None:
        super().__init__(f"{url}: {why} ({detail})")
        self.url = url
        self.why = why
        self.detail = detail


def failure_kind(error: Exception) -> Why:
    """Classify an exception by itself and its causes."""
    behind = list(_behind(error))
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in behind):
        # aiohttp's own error is one, too, and has no code.
        codes = {getattr(one, "verify_code", None) for one in behind}
        return "wrong name" if codes & WRONG_NAME_CODES else "expired" if codes & EXPIRED_CODES else "certificate"
    return next((why for why, fits in _KINDS if any(map(fits, behind))), "torn")


async def failure_of(url: str, error: Exception) -> ProbeFailed:
    """The failure of a request. Without a whole answer over http, a handshake tells whether the port wants TLS."""
    why = failure_kind(error)
    if why in {"torn", "silence"} and await speaks_tls(url):
        why = "encrypted"
    return ProbeFailed(url, why, str(error) or error_name(error))


async def speaks_tls(url: str) -> bool:
    """Whether the port of an http URL wants TLS, by a handshake that verifies nothing and sends nothing."""
    with contextlib.suppress(ValueError, OSError, TimeoutError):
        parts = urlsplit(url)
        if parts.scheme != "http":
            return False
        anything = ssl.create_default_context()
        anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
        async with asyncio.timeout(TLS_PROBE_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or 80, ssl=anything)
        writer.close()
        return True
    return False


def _behind(error: BaseException) -> Iterator[BaseException]:
    """An exception and its causes, also those that a library keeps in an attribute of its own."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        causes = (one.__cause__, one.__context__, *(getattr(one, name, None) for name in _KEPT_DETAILS))
        waiting += [cause for cause in causes if isinstance(cause, BaseException)]


_KEPT_DETAILS: Final = ("os_error", "certificate_error")
_NO_ROUTE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETDOWN})


def _is(*kinds: type[BaseException]) -> Callable[[BaseException], bool]:
    return lambda one: isinstance(one, kinds)


_KINDS: Final[tuple[tuple[Why, Callable[[BaseException], bool]], ...]] = (
    ("unknown host", _is(socket.gaierror, httpx.UnsupportedProtocol, httpx.InvalidURL)),
    ("nobody listens", _is(ConnectionRefusedError)),
    ("not encrypted", lambda one: isinstance(one, ssl.SSLError) and getattr(one, "reason", None) in PLAIN_REASONS),
    ("no connection", _is(httpx.ConnectTimeout)),
    ("silence", _is(httpx.TimeoutException, TimeoutError)),
    ("no route", lambda one: isinstance(one, OSError) and one.errno in _NO_ROUTE),
    ("torn", _is(ssl.SSLError, ConnectionResetError)),
    ("nobody listens", _is(httpx.ConnectError)),
)
"""Kinds of failure by an error or one of its causes; the first that fits counts."""
