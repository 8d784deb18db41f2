"""Logging set-up: structlog on the root logger, as JSON or in colour, for our lines and the server's."""

import logging
import sys
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

from storefront_mcp.instrumentation import JOB_STORE, REQUEST_CONTEXT, RequestOrigin
from storefront_mcp.records.audit import printable_line

Format = Literal["auto", "json", "pretty"]
Event = MutableMapping[str, Any]
SERVER_LOGGERS: Final = ("uvicorn", "uvicorn.error")
"""Loggers that have handlers of their own."""
ACCESS: Final = "uvicorn.access"
"""The server's own access log, never written: it has queries and secret parts of paths."""
CALL_METHOD: Final = "tools/call"
QUIET_LOGGERS: Final = ("httpx", "httpcore")
"""Loggers that write a line for every request that succeeds."""


class StderrLog(logging.StreamHandler[TextIO]):
    """Our handler on the root logger; a class of its own so that a second set-up replaces it."""

    def __init__(self, stream: TextIO | None) -> None:
        """Without a `stream`, `sys.stderr` as it is when a line is written."""
        self._chosen = stream
        super().__init__(stream)

    @property
    def stream(self) -> TextIO:
        """The stream of the next line."""
        return self._chosen or sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """Ignored: the stream is chosen once."""


def set_up_logging(
    form: Format, level: str, *, clean: Callable[[str], str] = str, stream: TextIO | None = None
) -> logging.Handler:
    """Set up logging of the process, to standard error unless `stream` is given.

    `auto` is pretty on a terminal and JSON elsewhere. `clean` runs last on every line: a second
    net below the redaction of records where they are made.
    """
    out = sys.stderr if stream is None else stream
    pretty = form == "pretty" or (form == "auto" and out.isatty())
    handler = StderrLog(stream)
    handler.setFormatter(_formatter(colours=pretty and out.isatty(), pretty=pretty, clean=clean))
    root = logging.getLogger()
    for other in [one for one in root.handlers if isinstance(one, StderrLog)]:
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in SERVER_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    access = logging.getLogger(ACCESS)
    access.handlers.clear()
    access.propagate = False
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


def _formatter(*, colours: bool, pretty: bool, clean: Callable[[str], str]) -> ProcessorFormatter:
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=colours)
        if pretty
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    )

    def render(logger: Any, name: str, event: Event) -> str:  # noqa: ANN401 -- structlog's
        return clean(str(renderer(logger, name, event)))

    return ProcessorFormatter(
        processors=[ProcessorFormatter.remove_processors_meta, render],
        foreign_pre_chain=[
            _with_context,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_exception,
        ],
    )


def _with_context(_logger: Any, _name: str, event: Event) -> Event:  # noqa: ANN401 -- structlog's
    """Add whose line it is; read only when a line is written, so a request without one pays nothing."""
    event.update((name, value) for name, value in _context_fields() if value)
    return event


def _context_fields() -> Iterator[tuple[str, str]]:
    """Store, method, tool, client program and request id of the current request; the store alone of a job."""
    request = REQUEST_CONTEXT.get()
    if request is None:
        yield "store", JOB_STORE.get()
        return
    agent = request.observed
    yield "store", request.store or JOB_STORE.get()
    yield "method", printable_line(request.method if agent is None else agent.method)
    if agent is not None and agent.method == CALL_METHOD:
        yield "tool", printable_line(agent.name)
    client = "" if agent is None else agent.client()
    yield "client", printable_line(client or RequestOrigin(headers=request.headers).client())
    yield "request_id", request.id


def _with_exception(_logger: Any, _name: str, event: Event) -> Event:  # noqa: ANN401 -- structlog's
    """The traceback as the record has it, redacted; formatted anew from the exception it would not be."""
    record: logging.LogRecord = event["_record"]
    event.pop("exc_info", None)
    text = record.exc_text or (logging.Formatter().formatException(record.exc_info) if record.exc_info else "")
    if text:
        event["exception"] = text
    return event
