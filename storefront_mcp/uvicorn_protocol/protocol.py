"""uvicorn's httptools protocol with bounded requests, write deadlines and one keep-alive timer per connection."""

import asyncio
from typing import Any, Final

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from storefront_mcp.uvicorn_protocol.asgi_extension import EXTENSIONS
from storefront_mcp.uvicorn_protocol.cycle import SingleWriteCycle
from storefront_mcp.uvicorn_protocol.head_cache import END_OF_HEAD, HEAD_CACHE
from storefront_mcp.uvicorn_protocol.request_target import RefusedRequest, TargetParser

MAX_HEAD_BYTES: Final = 1 << 16
"""Bytes of a request line with its headers; proxies take less."""
MAX_REQUEST_BYTES: Final = 1 << 24
"""Bytes of a whole request with its chunk framing; bodies that are read have at most a sixteenth of it."""
MAX_UNREAD_BYTES: Final = 1 << 14
"""Bytes of pipelined requests that are kept while one is answered, besides those of one read."""
WRITE_SECONDS: Final = 30.0
MIN_WRITTEN_BYTES: Final = 1 << 12
"""That a client has to read within `WRITE_SECONDS` while the write buffer is full."""
DRAIN_SECONDS: Final = 1.0
"""How long a server that shuts down waits on idle connections for requests that are on their way."""
TARGET_PARSER: Final = TargetParser()


class PipelineFlowControl(FlowControl):
    """uvicorn's flow control, but reading does not resume while `MAX_UNREAD_BYTES` are waiting."""

    full: bool = False

    def resume_reading(self) -> None:
        """As uvicorn's, unless the buffer of unread bytes is full."""
        if self.read_paused and not self.full:
            super().resume_reading()


class BoundedHttpToolsProtocol(HttpToolsProtocol):
    """uvicorn's `http` option. Without WebSockets, `limit_concurrency` and `root_path`.

    Pipelined requests stay unparsed until the request before them is answered.
    """

    flow: PipelineFlowControl
    _in_body: bool = False
    """Whether the parser has read the head of a request and not its end."""
    _awaits_response: bool = False
    """Whether the newest request is complete and its response is not."""
    _fed_bytes: int = 0
    """Of the request that is being parsed."""
    _body_bytes: int = 0
    _complete_scope: Any = None
    """Scope of the newest complete request."""
    _without_upgrade: bytes = b""
    _last_bytes: bytes = b""
    """Up to three bytes that were parsed last: `END_OF_HEAD` may lie across two reads."""
    _unread: bytes = b""
    _unread_from: int = 0
    """Index into `_unread`; what lies before it has been parsed."""
    _pending_rejection: RefusedRequest | None = None
    """Rejection to send after the current response."""
    _idle_since: float = 0.0
    """Loop time at which the last response ended, or the connection began."""
    _keep_alive_timer: asyncio.TimerHandle | None = None
    _write_deadline: asyncio.TimerHandle | None = None
    _unwritten_bytes: int = 0
    """Size of the write buffer when the deadline was set."""
    _draining: bool = False
    """Whether the server shuts down: what has arrived is answered, and nothing after it."""

    def __init__(self, *arguments: Any, write_seconds: float = WRITE_SECONDS, **named: Any) -> None:  # noqa: ANN401 -- uvicorn's
        """`write_seconds`: see `MIN_WRITTEN_BYTES`."""
        super().__init__(*arguments, **named)
        self._write_seconds = write_seconds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """As uvicorn's, with a timeout also for the first request."""
        super().connection_made(transport)
        # uvicorn's access log has queries and the secret parts of paths; ours is `logs.requests`.
        self.access_log = False
        self.flow = PipelineFlowControl(transport)
        self._idle_since = self.loop.time()
        self._keep_alive_timer = self.loop.call_later(self.timeout_keep_alive, self._close_after_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn's; ends our timers too."""
        if self._keep_alive_timer is not None:
            self._keep_alive_timer.cancel()
            self._keep_alive_timer = None
        self._clear_write_deadline()
        self._unread = b""
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """As uvicorn's, with a write deadline."""
        super().pause_writing()
        self._set_write_deadline()

    def resume_writing(self) -> None:
        """As uvicorn's."""
        super().resume_writing()
        self._clear_write_deadline()

    def _set_write_deadline(self) -> None:
        self._clear_write_deadline()
        self._unwritten_bytes = self.transport.get_write_buffer_size()
        self._write_deadline = self.loop.call_later(self._write_seconds, self._abort_if_stalled)

    def _clear_write_deadline(self) -> None:
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def _abort_if_stalled(self) -> None:
        """Abort the connection where less than `MIN_WRITTEN_BYTES` were read; otherwise set the next deadline."""
        if self._unwritten_bytes - self.transport.get_write_buffer_size() < MIN_WRITTEN_BYTES:
            self.transport.abort()
        else:
            self._set_write_deadline()

    def shutdown(self) -> None:
        """As uvicorn's, but requests that have arrived or are on their way are answered first."""
        self._draining = True
        if self._is_idle():
            self.loop.call_later(DRAIN_SECONDS, self._close_if_idle)
        elif not self._unread:
            self.cycle.keep_alive = False

    def _close_after_response(self) -> None:
        """Close the connection after the current response: nothing has arrived after its request."""
        if self._awaits_response:
            self.cycle.keep_alive = False

    def _is_idle(self) -> bool:
        """Whether no request is being answered or read."""
        newest: RequestResponseCycle | None = self.cycle
        return newest is None or (newest.response_complete and not self._in_body)

    def _close_if_idle(self) -> None:
        if self._is_idle() and not self.transport.is_closing():
            self.transport.close()

    def _close_after_keep_alive(self) -> None:
        """Close a connection that was idle for `timeout_keep_alive`; otherwise set the timer anew."""
        last: RequestResponseCycle | None = self.cycle
        busy = last is not None and not last.response_complete
        since = self.loop.time() if busy else self._idle_since
        left = since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._keep_alive_timer = self.loop.call_later(left, self._close_after_keep_alive)
        else:
            self.timeout_keep_alive_handler()
            # What is left to be written may be too little for `pause_writing`.
            self._set_write_deadline()

    def on_response_complete(self) -> None:
        """As uvicorn's, without setting and cancelling a timer for each request."""
        self.server_state.total_requests += 1
        self._awaits_response = False
        if self.transport.is_closing():
            return
        self._idle_since = self.loop.time()
        if self._pending_rejection is not None:
            self._reject(self._pending_rejection)
            return
        if self._unread:
            unread, self._unread = self._unread, b""
            self._parse(unread, self._unread_from)
        if self._draining and self._is_idle():
            self.loop.call_later(DRAIN_SECONDS, self._close_if_idle)
        if self.cycle.response_complete or len(self.cycle.body) <= HIGH_WATER_LIMIT:
            self.flow.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Parse at most one request, and keep the rest until it is answered."""
        if self._awaits_response:
            self._buffer(self._unread[self._unread_from :] + data, 0)
        else:
            self._parse(data, 0)

    def _buffer(self, data: bytes, start: int) -> None:
        """Keep bytes that are not to be parsed yet; stop reading from the client when they are many."""
        self._unread, self._unread_from = data, start
        self.flow.full = len(data) - start > MAX_UNREAD_BYTES
        if self.flow.full:
            self.flow.pause_reading()

    def _parse(self, data: bytes, start: int) -> None:
        """Feed the parser up to the end of the next request."""
        self.flow.full = False
        is_new = start == 0 and self._fed_bytes == 0 and not self._in_body
        if is_new and self._begin_cached(data):
            return
        try:
            while start < len(data) and not self.transport.is_closing():
                if self._awaits_response:
                    self._buffer(data, start)
                    return
                end = self._end_of_piece(data, start)
                piece = data if end - start == len(data) else data[start:end]
                self._fed_bytes += len(piece)
                reparse = self._feed(piece)
                if is_new:
                    self._keep_head(piece)
                    is_new = False
                if reparse:
                    data, start = reparse + data[end:], 0
                else:
                    start = end
                if self._draining and start >= len(data):
                    self._close_after_response()
        except RefusedRequest as refused:
            if self._awaits_response:
                # It came together with the request before it, whose response goes first.
                self._pending_rejection = refused
            else:
                self._reject(refused)

    def _keep_head(self, request: bytes) -> None:
        """Remember the head of a request that has just been parsed, where it is whole."""
        if self._awaits_response and self.cycle.keep_alive:
            HEAD_CACHE.add(request, self.cycle.scope)

    def _begin_cached(self, data: bytes) -> bool:
        """Begin a whole request whose head was parsed before; False, and nothing is done, where it is none.

        The parser stands between two requests, and stays there.
        """
        found = HEAD_CACHE.find(data)
        if found is None:
            return False
        head, digits, end = found
        if len(data) - end != int(digits) or self.transport.is_closing():
            return False
        scope: Any = head.scope.copy()
        scope["server"], scope["client"], scope["scheme"] = self.server, self.client, self.scheme
        scope["headers"], scope["state"] = head.headers_with(digits), self.app_state.copy()
        self.scope = self._complete_scope = scope
        self.expect_100_continue, self._last_bytes = False, b""
        cycle = self._begin(scope, True)
        cycle.body += data[end:]
        cycle.more_body = False
        self._awaits_response = True
        if self._draining:
            self._close_after_response()
        return True

    def _end_of_piece(self, data: bytes, start: int) -> int:
        """Index at which the parser has to stop, so that it never reads ahead into the next request.

        Raises RefusedRequest: 431 for the head, 413 for the request.
        """
        left = self._body_left() if self._in_body else None
        if left is not None:
            self._last_bytes = b""
            end = min(len(data), start + left)
        else:
            last, whole = self._last_bytes, False
            across = (last + data[start : start + 3]).find(END_OF_HEAD) if last else -1
            found = data.find(END_OF_HEAD, start) + 4
            if across >= 0:
                end = start + across + 4 - len(last)
            else:
                end = found if found > 3 else len(data)  # noqa: PLR2004 -- the end's length, less one
                # One head, and nothing that could be another one's end: nearly every read.
                whole = self.scope is self._complete_scope and data.find(END_OF_HEAD, end) < 0
            if not self._in_body and self._fed_bytes + end - start > MAX_HEAD_BYTES:
                raise RefusedRequest(431, "The request's headers are too long.")
            if whole:
                end = len(data)
            self._last_bytes = (last + data[max(start, end - 3) : end])[-3:]
        if self._fed_bytes + end - start > MAX_REQUEST_BYTES:
            raise RefusedRequest(413, "The request is too long.")
        return end

    def _body_left(self) -> int | None:
        """Bytes that are missing by Content-Length; None for a chunked body."""
        for name, value in self.scope["headers"]:
            if name == b"content-length":
                return int(value) - self._body_bytes
        return None

    def _feed(self, piece: bytes) -> bytes:
        """Parse a piece; what is returned has to be parsed next. Raises RefusedRequest."""
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            # The parser stops at an Upgrade; a new one goes on without it.
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            self._fed_bytes, self._last_bytes = 0, b""
            return self._without_upgrade + piece[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, RefusedRequest):
                raise error.__context__ from None
            raise RefusedRequest(400, "This is no HTTP request.") from None
        return b""

    def _reject(self, refused: RefusedRequest) -> None:
        """Close the connection, with an error response unless another response has begun."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or (cycle.response_complete and not self._in_body) or not cycle.response_started:
            body = str(refused).encode()
            lines = [
                STATUS_LINE[refused.status],
                *(b"%b: %b\r\n" % field for field in self.server_state.default_headers),
            ]
            lines.append(b"content-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n")
            self.transport.writelines((*lines, b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body), body))
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()

    def on_headers_complete(self) -> None:
        """As uvicorn's, with `SingleWriteCycle` and cached targets. Raises RefusedRequest."""
        parser, scope = self.parser, self.scope
        method, version = parser.get_method(), parser.get_http_version()
        if version != "1.1":
            if version != "1.0":
                raise RefusedRequest(505, "HTTP/1.1 is spoken here.")
            scope["http_version"] = version
            # RFC 9110 §10.1.1.
            self.expect_100_continue = False
        if parser.should_upgrade():
            if method == b"CONNECT":
                raise RefusedRequest(501, "This is no proxy.")
            self._without_upgrade = self._head_without_upgrade(method, version)
            return
        scope["method"] = method.decode("ascii")
        target = TARGET_PARSER.cached.get(self.url) or TARGET_PARSER.parse(self.url, self.headers)
        scope["path"], scope["raw_path"], scope["query_string"] = target
        scope["extensions"] = EXTENSIONS
        self._in_body, self._body_bytes = True, 0
        self._begin(scope, version != "1.0" and parser.should_keep_alive())

    def _begin(self, scope: Any, keep_alive: bool) -> SingleWriteCycle:  # noqa: ANN401, FBT001 -- an ASGI scope; see below
        """Let the application answer a request."""
        # By position: keyword arguments cost as much as half of what is set here.
        cycle = self.cycle = SingleWriteCycle(
            scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            self.access_log,
            self.server_state.default_headers,
            asyncio.Event(),
            self.expect_100_continue,
            keep_alive,
            self.on_response_complete,
        )
        self._start_asgi_task(cycle, self.app)
        return cycle

    def _head_without_upgrade(self, method: bytes, version: str) -> bytes:
        """The head without its Upgrade, which a server may ignore (RFC 9110 §7.8), to be parsed again.

        The parser takes a head with Upgrade for the whole request, and its body for the next request.
        """
        lines = [b"%b %b HTTP/%b" % (method, self.url, version.encode())]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join(lines) + END_OF_HEAD

    def on_header(self, name: bytes, value: bytes) -> None:
        """As uvicorn's, but trailers are no headers (RFC 9110 §6.5.1)."""
        if not self._in_body:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Give a piece to the application, or drop it when the response is complete."""
        self._body_bytes += len(body)
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """The request is complete; nothing more is parsed until it is answered."""
        if not self._in_body:
            return
        self._in_body, self._fed_bytes = False, 0
        self._complete_scope = self.scope
        cycle = self.cycle
        if not cycle.response_complete:
            self._awaits_response = True
            cycle.more_body = False
            cycle.message_event.set()

    def _should_upgrade_to_ws(self) -> bool:
        return False
