"""Servers as real processes: they start, are told things while they run, and end politely."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import WITH_US, free_port

pytestmark = pytest.mark.slow
"""Real processes, started and stopped."""

Start = Callable[..., "Running"]
PATIENCE = 240.0
CARD = "/.well-known/mcp/server-card.json"
FULL = Path("/dev/full")
"""Takes nothing that is written: its disk is full."""


class Running:
    """A started command: its process, and what it has said."""

    def __init__(self, process: subprocess.Popen[str], out: Path) -> None:
        self.process = process
        self.out = out

    def origin(self) -> str:
        """Where it serves, once it answers there."""
        found = until(lambda: self._over() or re.search(r"http://[\d.]+:\d+", self.out.read_text()))
        until(lambda: self._over() or answers(found[0]))
        return str(found[0])

    def ended(self) -> int:
        """The exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def _over(self) -> None:
        assert self.process.poll() is None, self.out.read_text()


def until(condition: Callable[[], Any], *, within: float = PATIENCE) -> Any:
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {within} seconds in vain"
        threading.Event().wait(0.02)
    return value


def answers(origin: str) -> bool:
    try:
        return httpx.get(origin + CARD, timeout=PATIENCE).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a command in the test's directory; what still runs at the end is killed."""
    running: list[Running] = []

    def start(*arguments: str, out: Path | None = None) -> Running:
        out = out or tmp_path / f"out-{len(running)}.txt"
        with out.open("w") as file:
            process = subprocess.Popen(
                [*WITH_US, sys.executable, "-m", "storefront_mcp.cli", *arguments],
                cwd=tmp_path,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(Path(__file__).parents[3])},
            )
        running.append(Running(process, out))
        return running[-1]

    yield start
    for each in running:
        each.process.kill()
        each.process.wait(PATIENCE)


def tools(origin: str) -> list[str]:
    """The tools that are listed; none behind the stub."""
    answer = httpx.post(
        origin + "/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        headers={"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"},
    )
    if answer.status_code == 503:
        return []
    text = answer.text if answer.text.startswith("{") else answer.text.split("data: ", 1)[1].splitlines()[0]
    return [tool["name"] for tool in json.loads(text)["result"]["tools"]]


def test_a_demo_opens_its_first_phase_while_it_runs(start: Start) -> None:
    demo = start("demo", "--planned", "--port", "0")
    origin = demo.origin()
    assert "claude mcp add --transport http pickle-warehouse " + origin + "/mcp" in demo.out.read_text()
    assert tools(origin) == []

    assert start("phases", "open", "p1_browse").process.wait(PATIENCE) == 0
    until(lambda: len(tools(origin)) == 6)

    second = start("demo", "--port", "0")
    assert second.process.wait(PATIENCE) == 2
    assert "A demo is running in .storefront-demo already" in second.out.read_text()
    port = origin.rpartition(":")[2]
    third = start("demo", "--port", port, "--state", "other")
    assert third.process.wait(PATIENCE) == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in third.out.read_text()

    assert demo.ended() == 0


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("command", ["demo", "demo-shop"])
def test_a_server_whose_words_nobody_can_keep_serves_all_the_same(start: Start, command: str) -> None:
    port = free_port()
    server = start(command, "--port", str(port), out=FULL)
    path = CARD if command == "demo" else "/api/rest/v2/products"

    def serves() -> bool:
        assert server.process.poll() is None, "it ended"
        try:
            return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE).status_code == 200
        except httpx.TransportError:
            return False

    until(serves)
    assert serves()
    assert server.ended() == 0


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_store_sells_while_the_disk_of_its_log_is_full(start: Start, tmp_path: Path, workers: str) -> None:
    port = free_port()
    (tmp_path / "storefront.toml").write_text(
        f'port = {port}\n[[store]]\nid = "pickle"\norigin = "http://127.0.0.1:{port}"\nname = "Pickle"\n'
        'currency = "AUD"\nupstream = { kind = "maho", url = "http://127.0.0.1:9" }\n'
    )
    server = start("serve", "--port", str(port), "--workers", workers, out=FULL)
    until(lambda: server.process.poll() is not None or answers(f"http://127.0.0.1:{port}"))
    assert server.ended() == 0


def test_a_demo_starts_afresh_with_all_that_is_delivered(start: Start) -> None:
    for _ in range(2):
        demo = start("demo", "--port", "0")
        assert {"search_products", "add_to_cart"} <= set(tools(demo.origin()))
        assert demo.ended() == 0
    history = start("phases", "history", "--json")
    assert history.process.wait(PATIENCE) == 0
    # What it is about comes first, on standard error.
    flips = json.loads(history.out.read_text().partition("\n")[2])["flips"]
    assert {flip["by"] for flip in flips} == {"demo"}
    assert flips[0]["number"] == 1


def test_a_demo_listens_where_the_environment_says_and_tells_of_each_request(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STOREFRONT_PORT", str(port := free_port()))
    demo = start("demo", "--open")
    origin = demo.origin()
    assert origin == f"http://127.0.0.1:{port}"
    assert tools(origin)
    assert httpx.get(f"{origin}/pay/who-has-this-may-pay?key=secret").status_code == 404
    assert start("demo", "--port", "0", "--state", "other").origin() != origin

    assert demo.ended() == 0
    said = demo.out.read_text()
    assert re.search(r"^  \d\d:\d\d:\d\d  200  tools/list +\d+ ms$", said, re.MULTILINE), said
    assert re.search(r"^  \d\d:\d\d:\d\d  404  GET /pay/… +\d+ ms$", said, re.MULTILINE), said
    assert "secret" not in said
    if sys.platform != "darwin":
        assert f"There is no screen here for a browser. Open {origin}/ yourself." in said


def test_every_worker_of_a_server_shows_a_flip_and_all_end_on_sigterm(start: Start, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "storefront.toml").write_text(
        f'[[store]]\nid = "pickle"\norigin = "http://127.0.0.1:{port}"\nname = "Pickle"\ncurrency = "AUD"\n'
        # Listing tools asks nothing of the shop.
        'upstream = { kind = "maho", url = "http://127.0.0.1:9" }\n'
    )
    server = start("serve", "--port", str(port), "--workers", "2")
    origin = server.origin()
    headers = httpx.get(origin + CARD).headers
    assert "server" not in headers
    assert "date" in headers
    assert start("phases", "open", "p1_browse").process.wait(PATIENCE) == 0
    # Each request is a new connection, so that both workers are asked.
    until(lambda: all(len(tools(origin)) == 6 for _ in range(20)))
    assert server.ended() == 0


def test_a_demo_shop_is_not_shared_out_among_workers(start: Start, tmp_path: Path) -> None:
    text = (
        '[[store]]\nid = "pickle"\norigin = "http://127.0.0.1:1"\nname = "Pickle"\ncurrency = "AUD"\n'
        'upstream = { kind = "demo" }\n'
    )
    (tmp_path / "storefront.toml").write_text(text)
    by_option = start("serve", "--port", "0", "--workers", "2")
    assert by_option.process.wait(PATIENCE) == 2
    said = by_option.out.read_text()
    assert "workers: wants 1, as each worker would have a demo shop of its own for pickle; got 2." in said
    assert "Traceback" not in said

    (tmp_path / "storefront.toml").write_text("workers = 3\n" + text)
    by_file = start("serve", "--port", "0")
    assert by_file.process.wait(PATIENCE) == 2
    again = f"got 3. For more, run {sys.executable} -m storefront_mcp.cli demo-shop"
    assert again in by_file.out.read_text()


def test_a_request_in_flight_is_answered_after_sigterm(start: Start) -> None:
    demo = start("demo", "--port", "0")
    port = int(demo.origin().rpartition(":")[2])
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n"
        f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        # The server says "continue" once it waits for the body: the request is in flight.
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        demo.process.send_signal(signal.SIGTERM)
        until(lambda: refused(port))
        connection.sendall(body)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    assert b"search_products" in answer
    assert demo.process.wait(PATIENCE) == 0


def refused(port: int) -> bool:
    """Whether nobody listens there any more."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) != 0


def test_the_demo_shop_serves_alone(start: Start) -> None:
    shop = start("demo-shop", "--port", "0")
    found = until(lambda: re.search(r"http://[\d.]+:\d+", shop.out.read_text()))

    def listed() -> bool:
        try:
            return httpx.get(found[0] + "/api/rest/v2/products", timeout=PATIENCE).status_code == 200
        except httpx.TransportError:
            return False

    until(listed)
    assert shop.ended() == 0
