"""The demo's access log on a terminal: one line per request, with the MCP method and the tool that it calls."""

import time
from typing import Final

import click
import msgspec

from storefront_mcp.cli.output import print_line
from storefront_mcp.web.access_log import LoggedRequest

ENDPOINT: Final = "/mcp"
MAX_BODY_BYTES: Final = 1 << 16
"""So much of a request is kept to read its method from; what is longer is named by its path."""
MAX_SUBJECT_CHARS: Final = 60
NO_RESPONSE_STATUS: Final = 499
"""Written where no response began."""


class MethodParams(msgspec.Struct):
    """The params of a method that name what it is about."""

    name: str = ""
    uri: str = ""

    @property
    def names(self) -> tuple[str, str]:
        """Without a query, which may hold what is for the shop alone."""
        return self.name, self.uri.partition("?")[0]


class MethodCall(msgspec.Struct):
    """The parts of a JSON-RPC message that the line shows."""

    method: str = ""
    params: MethodParams | msgspec.UnsetType = msgspec.UNSET


_MESSAGE: Final = msgspec.json.Decoder(MethodCall)
_BATCH: Final = msgspec.json.Decoder(list[MethodCall])


def write_to_terminal(request: LoggedRequest) -> None:
    """For `AccessLog`: a line on standard error."""
    print_line(terminal_line(time.strftime("%H:%M:%S"), request), err=True)


def terminal_line(clock: str, request: LoggedRequest) -> str:
    """One line, in colour for terminals."""
    status = request.status or NO_RESPONSE_STATUS
    colour = "green" if status < 300 else "cyan" if status < 400 else "yellow" if status < 500 else "red"  # noqa: PLR2004 -- HTTP's classes
    columns = f"{subject(request):<44} {request.milliseconds:6.0f} ms"
    return f"  {click.style(clock, dim=True)}  {click.style(status, fg=colour)}  {columns}"


def subject(request: LoggedRequest) -> str:
    """What a request is about: `tools/call add_to_cart`, or `GET /llms.txt`."""
    called = _method_names(request.body) if request.path == ENDPOINT and request.method == "POST" else ""
    return called or _printable(f"{request.method} {request.path}")


def _method_names(body: bytes) -> str:
    """The methods in a body, and what they name; empty where it holds none."""
    try:
        calls = [_MESSAGE.decode(body)] if not body.lstrip().startswith(b"[") else _BATCH.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    names = [
        " ".join(filter(None, [call.method, *(call.params.names if call.params else ())]))
        for call in calls
        if call.method
    ]
    return _printable(", ".join(names))


def _printable(text: str) -> str:
    """On one line, without control characters."""
    clean = "".join(character if character.isprintable() else "?" for character in text)
    return clean if len(clean) <= MAX_SUBJECT_CHARS else f"{clean[: MAX_SUBJECT_CHARS - 1]}…"
