"""Take credentials out of every log record, whoever writes it and wherever it goes."""

import contextlib
import logging
import re
import traceback
from typing import Any, Final

_PATTERNS: Final = (
    (
        re.compile(
            r"(?i)\b(access_token|client_secret|refresh_token|id_token)([\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;)}\]]+"
        ),
        r"\1\2[secret]",
    ),
    # A key keeps its public id, by which it can be revoked.
    (re.compile(r"\b(sfm_[0-9A-Za-z]{11}_)[0-9A-Za-z]{8,}"), r"\1[secret]"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]*(\.[\w-]*){0,3}"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic)(\s+)(?!sfm_)[\w.~+/=-]{8,}"), r"\1\2[secret]"),
)


def without_secrets(text: str) -> str:
    """A text whose credentials are gone.

    >>> without_secrets("GET /mcp?access_token=abc&x=1")
    'GET /mcp?access_token=[secret]&x=1'
    """
    for pattern, shown in _PATTERNS:
        text = pattern.sub(shown, text)
    return text


def redact_logs() -> None:
    """From now on no log record of this process holds a credential. Doing it twice is doing it once.

    It is done where records are made: a filter on a logger would miss the loggers below it, one on a handler the
    handlers that a server adds later.
    """
    make = logging.getLogRecordFactory()
    if isinstance(make, _Redacting):
        return
    logging.setLogRecordFactory(_Redacting(make))


class _Redacting:
    def __init__(self, make: Any) -> None:  # noqa: ANN401 -- logging's own
        self.make = make

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401 -- as above
        record: logging.LogRecord = self.make(*args, **kwargs)
        if isinstance(record.msg, str):
            clean = without_secrets(record.msg)
            if clean != record.msg and record.args:
                # What stands behind `access_token=` is an argument's place: it is a secret only once it is filled.
                with contextlib.suppress(Exception):
                    clean, record.args = without_secrets(record.getMessage()), None
            record.msg = clean
        else:
            record.msg = _shown(record.msg)
        # The arguments stay apart and as many as they were: formatters of access logs count them.
        if isinstance(record.args, dict):
            record.args = {name: _shown(value) for name, value in record.args.items()}
        elif record.args:
            record.args = tuple(_shown(value) for value in record.args)
        if record.exc_info and record.exc_info[0] is not None:
            # Formatters take a text that is there already instead of making one.
            record.exc_text = without_secrets("".join(traceback.format_exception(*record.exc_info))).rstrip("\n")
        return record


def _shown(value: Any) -> Any:  # noqa: ANN401 -- any argument
    """A value as it may be logged: itself, or its text where that has secrets."""
    if value is None or isinstance(value, int | float):
        return value
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 -- the formatter will say so
        return value
    clean = without_secrets(text)
    return value if clean == text else clean
