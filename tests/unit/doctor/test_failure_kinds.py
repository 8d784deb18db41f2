"""Why a request had no answer, by the errors of the libraries that make it."""

import errno
import socket
import ssl

import httpx
import pytest

from storefront_mcp.backends.probe_failures import Why, failure_kind, failure_of
from storefront_mcp.doctor.phrases import NO_ANSWER_TEXT


@pytest.mark.parametrize(
    ("cause", "error", "why"),
    [
        (socket.gaierror(-2, "Name or service not known"), httpx.ConnectError("no"), "unknown host"),
        (None, httpx.UnsupportedProtocol("no"), "unknown host"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), httpx.ConnectError("no"), "nobody listens"),
        (None, httpx.ConnectError("All connection attempts failed"), "nobody listens"),
        (OSError(errno.ENETUNREACH, "no"), httpx.ConnectError("no"), "no route"),
        (TimeoutError(), httpx.ConnectTimeout("no"), "no connection"),
        (TimeoutError(), httpx.ReadTimeout("no"), "silence"),
        (ConnectionResetError(errno.ECONNRESET, "no"), httpx.ConnectError("no"), "torn"),
        (ssl.SSLError(1, "no"), httpx.ConnectError("no"), "torn"),
        (None, httpx.RemoteProtocolError("Server disconnected"), "torn"),
        (ssl.SSLCertVerificationError(1, "no"), httpx.ConnectError("no"), "certificate"),
    ],
)
async def test_an_error_is_called_what_it_is(cause: Exception | None, error: Exception, why: Why) -> None:
    error.__cause__ = cause

    assert failure_kind(error) == why
    assert (await failure_of("https://shop.example/", error)).why == why
    assert why in NO_ANSWER_TEXT
