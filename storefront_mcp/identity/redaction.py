"""Redaction of credentials in all log records of the process."""

import contextlib
import logging
import re
import traceback
from collections.abc import Callable
from typing import Any, Final

_PATTERNS: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (
        re.compile(
            r"(?i)\b(access_token|client_secret|refresh_token|id_token)([\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;)}\]]+"
        ),
        r"\1\2[secret]",
    ),
    # What people type, quoted: it may have spaces. Unquoted, only as a form has it, as prose says "password: …" too.
    (
        re.compile(r"(?i)([\"'](?:password|code_verifier|twofa_code)[\"']\s*[:=]\s*)([\"'])(?:\\.|(?!\2)[^\\])*\2?"),
        r"\1\2[secret]\2",
    ),
    (re.compile(r"(?i)\b(password|code_verifier|twofa_code)=[^\s\"'&,;)}\]]+"), r"\1=[secret]"),
    (re.compile(r"([?&]code)=[^\s\"'&,;)}\]]+"), r"\1=[secret]"),
    # Keys, tokens and codes of ours keep their public id, by which they can be revoked.
    (re.compile(r"\b(sf[marc]_[0-9A-Za-z]{11}_)[0-9A-Za-z]{8,}"), r"\1[secret]"),
    # A whole run at once: a search from each `eyJ` would take quadratic time.
    (re.compile(r"[\w.-]+"), lambda found: _without_tokens(found[0])),
    (re.compile(r"(?i)\b(bearer|basic)(\s+)(?!sf[marc]_)[\w.~+/=-]{8,}"), r"\1\2[secret]"),
)


TOKEN_START: Final = re.compile(r"(?<!\w)eyJ")
MIN_TOKEN_HEADER_CHARACTERS: Final = 11
MAX_TOKEN_PARTS: Final = 5
"""Parts of an encrypted JSON Web Token (RFC 7516 §7.1); a signed one has three."""
MAX_LOGGED_CHARACTERS: Final = 1 << 14
"""Longest message, and longest argument of one."""
MAX_LOGGED_TRACEBACK_CHARACTERS: Final = 1 << 16


def _without_tokens(run: str) -> str:
    """Replace JSON Web Tokens in a run of letters, digits, `_`, `-` and dots."""
    if "eyJ" not in run:
        return run
    parts, shown, at = run.split("."), [], 0
    while at < len(parts):
        begins = TOKEN_START.search(parts[at]) if at + 1 < len(parts) else None
        if begins is None or len(parts[at]) - begins.start() < MIN_TOKEN_HEADER_CHARACTERS:
            shown.append(parts[at])
            at += 1
        else:
            shown.append(parts[at][: begins.start()] + "[token]")
            at += MAX_TOKEN_PARTS
    return ".".join(shown)


def redact_secrets(text: str) -> str:
    """Replace credentials in a text.

    >>> redact_secrets("GET /mcp?access_token=abc&x=1")
    'GET /mcp?access_token=[secret]&x=1'
    """
    for pattern, shown in _PATTERNS:
        text = pattern.sub(shown, text)
    return text


def redact_logs() -> None:
    """Install the redaction for this process; idempotent.

    By the record factory: a filter on a logger would miss its child loggers, one on a handler would miss the handlers
    that a server adds later.
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
            clean = redact_secrets(record.msg)
            if clean != record.msg and record.args:
                # Redacted text may have been a placeholder, as in `access_token=%s`: format first.
                with contextlib.suppress(Exception):
                    clean, record.args = redact_secrets(record.getMessage()), None
            record.msg = _truncate(clean)
        else:
            record.msg = _redact_value(record.msg)
        # The number of arguments stays: formatters of access logs count them.
        if isinstance(record.args, dict):
            record.args = {name: _redact_value(value) for name, value in record.args.items()}
        elif record.args:
            record.args = tuple(_redact_value(value) for value in record.args)
        if record.exc_info and record.exc_info[0] is not None:
            # Formatters use `exc_text` if it is set.
            text = redact_secrets("".join(traceback.format_exception(*record.exc_info))).rstrip("\n")
            record.exc_text = _truncate(text, MAX_LOGGED_TRACEBACK_CHARACTERS)
        return record


def _redact_value(value: Any) -> Any:  # noqa: ANN401 -- any argument
    """The value itself, or its redacted text if it holds secrets."""
    if value is None or isinstance(value, int | float):
        return value
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 -- the formatter will say so
        return value
    clean = _truncate(redact_secrets(text))
    return value if clean == text else clean


def _truncate(text: str, at_most: int = MAX_LOGGED_CHARACTERS) -> str:
    """Shorten a text, saying by how much."""
    return text if len(text) <= at_most else f"{text[:at_most]}… ({len(text) - at_most} more characters)"
