"""From bytes to requests: an end to heads, one clock per connection, and each request made in one go."""

import asyncio
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from storefront_mcp.web.wire.answering import EXTENSIONS, WireCycle

LONGEST_HEAD: Final = 1 << 16
"""Bytes of a request line with its headers that are waited for, after the first read; proxies take less."""
LONGEST: Final = 1 << 24
"""Bytes of a whole request, however its body is cut up: bodies that anybody reads have a sixteenth of it."""
TOO_LONG: Final = b"The request's headers are too long."
TARGETS: Final = 512
"""Addresses remembered: most requests are for the same few."""
LONGEST_TARGET: Final = 128
"""Bytes of an address that is remembered; it has no query."""

Target = tuple[str, bytes, bytes]
"""Of a request: its path, the same as it was sent, and its query."""
_targets: Final[dict[bytes, Target]] = {}


class WireProtocol(HttpToolsProtocol):
    """To be given to uvicorn as `http`. Serves no WebSockets, and knows no `limit_concurrency` and no `root_path`."""

    _counted: Any = None
    """Whose bytes are counted."""
    _bytes: int = 0
    _quiet_since: float = 0.0
    """When the last answer ended, or the connection began."""
    _closing_time: asyncio.TimerHandle | None = None
    _answering: RequestResponseCycle | None = None
    """Whose turn it is; `cycle` is the newest request, which may have to wait for it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """As uvicorn's, which would wait for the first request for ever."""
        super().connection_made(transport)
        self._quiet_since = self.loop.time()
        self._closing_time = self.loop.call_later(self.timeout_keep_alive, self._close_if_quiet)

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn's, which would tell only the newest request that its client has gone."""
        if self._closing_time is not None:
            self._closing_time.cancel()
            self._closing_time = None
        answering = self._answering
        if answering is not None and not answering.response_complete:
            answering.disconnected = True
            answering.message_event.set()
        super().connection_lost(exc)

    def _close_if_quiet(self) -> None:
        """End a connection on which nothing was asked for as long as it is kept; otherwise look again then."""
        last: RequestResponseCycle | None = self.cycle
        busy = last is not None and not last.response_complete
        since = self.loop.time() if busy else self._quiet_since
        left = since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._closing_time = self.loop.call_later(left, self._close_if_quiet)
        else:
            self.timeout_keep_alive_handler()

    def on_response_complete(self) -> None:
        """As uvicorn's, without a timer that is set after each answer and taken back for each request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._answering, app = self.pipeline.pop()
            self._start_asgi_task(self._answering, app)
        else:
            self._quiet_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """As uvicorn's, which would take headers and trailers without end into its memory."""
        super().data_received(data)
        if self._counted is not self.scope:
            # Not counted, since the requests before it may have ended in the same read.
            self._counted, self._bytes = self.scope, 0
            return
        self._bytes += len(data)
        if self._bytes > LONGEST_HEAD:
            self._hang_up()

    def _hang_up(self) -> None:
        """End the connection of a request that is too long, with a word where nothing has been said yet."""
        before: Any = self.cycle
        heading = before is None or before.scope is not self.scope
        if self.transport.is_closing() or not (heading or self._bytes > LONGEST):
            return
        if heading and (before is None or before.response_complete):
            lines = [STATUS_LINE[431], *(b"%b: %b\r\n" % field for field in self.server_state.default_headers)]
            lines.append(b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n")
            self.transport.writelines((*lines, b"content-length: %d\r\n\r\n" % len(TOO_LONG), TOO_LONG))
        self.transport.close()

    def on_headers_complete(self) -> None:
        """As uvicorn's, with a cycle of ours and addresses that are taken apart once."""
        before: RequestResponseCycle | None = self.cycle
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        if version != "1.1":
            scope["http_version"] = version
        scope["method"] = parser.get_method().decode("ascii")
        scope["path"], scope["raw_path"], scope["query_string"] = _targets.get(self.url) or _target(self.url)
        scope["extensions"] = EXTENSIONS
        # By position: names cost as much as half of what is set here.
        cycle = self.cycle = WireCycle(
            scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            self.access_log,
            self.server_state.default_headers,
            asyncio.Event(),
            self.expect_100_continue,
            version != "1.0" and parser.should_keep_alive(),
            self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._answering = cycle
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _should_upgrade_to_ws(self) -> bool:
        return False


def _target(url: bytes) -> Target:
    """What an address says. Raises httptools.HttpParserError, which ends the connection with a 400."""
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    target = (unquote(path) if "%" in path else path, parsed.path, parsed.query or b"")
    if len(url) <= LONGEST_TARGET and not target[2]:
        if len(_targets) >= TARGETS:
            _targets.clear()
        _targets[url] = target
    return target
