"""Logs: every line of this process, ours and the server's, as JSON for machines or in colour for people."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

from storefront_mcp.calls.watching import request_id

Format = Literal["auto", "json", "pretty"]
Event = MutableMapping[str, Any]
SERVER: Final = ("uvicorn", "uvicorn.error", "uvicorn.access")
"""Loggers that would write by themselves."""
TALKATIVE: Final = ("httpx", "httpcore")
"""Loggers that tell of every request that goes well."""


class Writing(logging.StreamHandler[TextIO]):
    """Ours on the root logger, so that doing it twice is doing it once."""

    def __init__(self, stream: TextIO | None) -> None:
        """Without a `stream`, whatever standard error is as a line is written."""
        self._chosen = stream
        super().__init__(stream)

    @property
    def stream(self) -> TextIO:
        """Where the next line goes."""
        return self._chosen or sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """It was said already."""


def set_up(
    form: Format, level: str, *, clean: Callable[[str], str] = str, stream: TextIO | None = None
) -> logging.Handler:
    """From now on the process logs this way, to standard error unless told otherwise.

    `auto` is pretty on a terminal and JSON elsewhere. `clean` has the last word on every line: secrets are taken out
    of records where they are made, and this is the net below.
    """
    out = sys.stderr if stream is None else stream
    pretty = form == "pretty" or (form == "auto" and out.isatty())
    taking = Writing(stream)
    taking.setFormatter(_formatter(colours=pretty and out.isatty(), pretty=pretty, clean=clean))
    root = logging.getLogger()
    for other in [one for one in root.handlers if isinstance(one, Writing)]:
        root.removeHandler(other)
    root.addHandler(taking)
    root.setLevel(level.upper())
    for name in SERVER:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    return taking


def _formatter(*, colours: bool, pretty: bool, clean: Callable[[str], str]) -> ProcessorFormatter:
    shown: Any = (
        structlog.dev.ConsoleRenderer(colors=colours)
        if pretty
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    )

    def cleaned(logger: Any, name: str, event: Event) -> str:  # noqa: ANN401 -- structlog's
        return clean(str(shown(logger, name, event)))

    return ProcessorFormatter(
        processors=[ProcessorFormatter.remove_processors_meta, cleaned],
        foreign_pre_chain=[
            _with_request,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_exception,
        ],
    )


def _with_request(_logger: Any, _name: str, event: Event) -> Event:  # noqa: ANN401 -- structlog's
    """For whom it was done."""
    named = request_id()
    if named:
        event["request_id"] = named
    return event


def _with_exception(_logger: Any, _name: str, event: Event) -> Event:  # noqa: ANN401 -- structlog's
    """The traceback as the record has it, without secrets; made anew from the exception it would have them again."""
    record: logging.LogRecord = event["_record"]
    event.pop("exc_info", None)
    text = record.exc_text or (logging.Formatter().formatException(record.exc_info) if record.exc_info else "")
    if text:
        event["exception"] = text
    return event
