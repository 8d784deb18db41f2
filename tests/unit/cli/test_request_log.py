"""What a demo's terminal tells of each request, and what it never tells."""

import json

import click
import pytest

from storefront_mcp.cli.request_log import subject, terminal_line, write_to_terminal
from storefront_mcp.web.access_log import LoggedRequest

CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "add_to_cart", "arguments": {"cart_id": "c"}},
}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
READ = {"jsonrpc": "2.0", "id": 3, "method": "resources/read", "params": {"uri": "shop://page/about?key=secret"}}


def logged(path: str = "/mcp", method: str = "POST", body: bytes = b"", status: int = 200) -> LoggedRequest:
    return LoggedRequest(method=method, path=path, status=status, milliseconds=7.4, body=body)


@pytest.mark.parametrize(
    ("path", "method", "body", "expected"),
    [
        ("/llms.txt", "GET", b"", "GET /llms.txt"),
        ("/mcp", "POST", json.dumps(CALL).encode(), "tools/call add_to_cart"),
        ("/mcp", "POST", json.dumps(LIST).encode(), "tools/list"),
        ("/mcp", "POST", json.dumps(READ).encode(), "resources/read shop://page/about"),
        ("/mcp", "POST", json.dumps([LIST, CALL]).encode(), "tools/list, tools/call add_to_cart"),
        ("/mcp", "POST", b'{"method": "tools/call", "params": {"name": 7}}', "POST /mcp"),
        ("/mcp", "POST", b'{"method": "a\\u001b[2J"}', "a?[2J"),
        ("/mcp", "POST", b"\xff", "POST /mcp"),
        ("/mcp", "POST", b"[" * 5000, "POST /mcp"),
        ("/mcp", "GET", b"", "GET /mcp"),
        ("/webhooks/stripe", "POST", json.dumps(CALL).encode(), "POST /webhooks/stripe"),
        ("/" + "a/" * 50, "GET", b"", "GET /" + "a/" * 27 + "…"),
    ],
)  # fmt: skip
def test_a_request_is_told_by_its_method_and_tool_or_its_path(
    path: str, method: str, body: bytes, expected: str
) -> None:
    assert subject(logged(path, method, body)) == expected


@pytest.mark.parametrize(("status", "colour"), [(200, 32), (304, 36), (404, 33), (503, 31)])
def test_the_line_is_in_columns_and_in_colour(status: int, colour: int) -> None:
    line = terminal_line("12:03:04", logged(status=status))

    assert f"\x1b[{colour}m{status}\x1b[0m" in line
    assert click.unstyle(line) == f"  12:03:04  {status}  {'POST /mcp':<44}      7 ms"


def test_the_line_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    write_to_terminal(logged(status=0))
    out, error = capsys.readouterr()
    assert out == ""
    assert "  499  POST /mcp  " in click.unstyle(error)
