"""What the process writes to standard error."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from storefront_mcp.identity.redaction import redact_logs, redact_secrets
from storefront_mcp.instrumentation import REQUEST_CONTEXT, RequestContext
from storefront_mcp.telemetry.logs import StderrLog, set_up_logging

KEY = "sfm_4fQk8Zr1LmN_" + "a1B2c3D4e5F6g7H8"
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is the process's: leave it as it was."""
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    level, handlers = root.level, list(root.handlers)
    # Servers of other tests may have set it.
    logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)
    token = REQUEST_CONTEXT.set(None)
    yield
    REQUEST_CONTEXT.reset(token)
    logging.setLogRecordFactory(factory)
    root.setLevel(level)
    root.handlers[:] = handlers


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_says_when_who_what_and_for_which_request() -> None:
    out = io.StringIO()
    set_up_logging("json", "info", stream=out)
    REQUEST_CONTEXT.set(RequestContext([(b"x-request-id", b"req-7")]))
    logging.getLogger("storefront_mcp.calls").info("%s: %s", "add_to_cart", "out_of_stock")
    (line,) = lines(out)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line.pop("timestamp"))
    assert line == {
        "event": "add_to_cart: out_of_stock",
        "level": "info",
        "logger": "storefront_mcp.calls",
        "request_id": "req-7",
    }


def test_the_server_writes_in_the_same_form() -> None:
    out = io.StringIO()
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler(io.StringIO()))
    set_up_logging("json", "info", stream=out)
    logging.getLogger("uvicorn.error").info("Application startup complete.")
    (line,) = lines(out)
    assert (line["event"], line["logger"]) == ("Application startup complete.", "uvicorn.error")
    assert "request_id" not in line


@pytest.mark.parametrize("form", ["json", "pretty"])
def test_no_form_shows_a_secret_wherever_it_hides(form: Any) -> None:
    redact_logs()
    out = io.StringIO()
    set_up_logging(form, "debug", clean=redact_secrets, stream=out)
    log = logging.getLogger("anything")
    log.warning("GET %s", "/mcp?access_token=hunter2-planted")
    log.warning({"authorization": f"Bearer {TOKEN}"})
    log.warning("a key: %s", KEY, extra={"more": KEY})
    try:
        int(f"Bearer {TOKEN} and {KEY}")
    except ValueError:
        log.exception("it failed")
    written = out.getvalue()
    assert "hunter2-planted" not in written
    assert TOKEN not in written
    assert "a1B2c3D4e5F6g7H8" not in written
    assert "ValueError" in written
    assert "it failed" in written


def test_an_exception_is_one_line_of_json() -> None:
    out = io.StringIO()
    set_up_logging("json", "info", stream=out)
    try:
        {}["x"]
    except KeyError:
        logging.getLogger("anything").exception("it failed")
    (line,) = lines(out)
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("KeyError: 'x'")


@pytest.mark.parametrize(
    ("form", "out", "json_"),
    [
        ("auto", io.StringIO(), True),
        ("auto", Terminal(), False),
        ("pretty", io.StringIO(), False),
        ("json", Terminal(), True),
    ],
)
def test_people_get_colours_and_machines_json(form: Any, out: io.StringIO, json_: bool) -> None:
    set_up_logging(form, "info", stream=out)
    logging.getLogger("anything").warning("hello")
    assert out.getvalue().startswith("{") is json_
    assert ("\x1b[" in out.getvalue()) is (out.isatty() and not json_)


def test_what_is_below_the_level_is_not_written() -> None:
    out = io.StringIO()
    set_up_logging("json", "warning", stream=out)
    logging.getLogger("anything").info("nobody cares")
    assert out.getvalue() == ""


def test_doing_it_twice_is_doing_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("json", "info")
    set_up_logging("json", "info")
    assert len([one for one in logging.getLogger().handlers if isinstance(one, StderrLog)]) == 1
    logging.getLogger("anything").info("hello")
    assert json.loads(capsys.readouterr().err)["event"] == "hello"
