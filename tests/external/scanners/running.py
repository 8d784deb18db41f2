"""Start the demo shop as its users do, and the npm scanners against it."""

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.programs import NODE
from tests.serving import WITH_US, free_port, until

BIN: Final = Path(sys.executable).parent
START: Final = 40.0
"""Seconds within which the demo shop must answer."""

QUIET: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
"""Chromium that calls nobody and asks nothing."""
LOOPBACK_ONLY: Final = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
WEBMCP: Final = "--enable-features=WebMCP"


@contextlib.contextmanager
def demo(state: Path, *arguments: str) -> Iterator[str]:
    """Run `storefront-mcp demo` in a process of its own; yields its origin once it answers."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    command = [*WITH_US, str(BIN / "storefront-mcp"), "demo", "--port", str(port), "--state", str(state), *arguments]
    log = state.with_suffix(".log")
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            until(lambda: process.poll() is not None or answers(f"{origin}/healthz"), "the demo shop", patience=START)
            assert process.poll() is None, log.read_text()
            yield origin
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def opened(origin: str, state: Path, *phases: str) -> None:
    """Open these phases as an operator would, and wait until they are."""
    command = [BIN / "storefront-mcp", "phases", "--config", state, "open", *phases, "--by", "a test"]
    subprocess.run(command, check=True, capture_output=True, timeout=START)
    until(lambda: b'"status": "active"' in read(f"{origin}/.well-known/mcp/server-card.json"), "the flip")


def read(url: str) -> bytes:
    """The body there."""
    with urllib.request.urlopen(url, timeout=2) as response:
        return bytes(response.read())


def answers(url: str) -> bool:
    """Whether a GET gets a 200 now."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def node(*arguments: object, cwd: Path, seconds: float = 100, chromium: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program under the node of this environment; what it finds is in its output, not in its exit code."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "CI": "1", "NO_COLOR": "1"}
    if chromium:
        environment["CHROME_PATH"] = chromium
    return subprocess.run(
        [NODE, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def report(finished: subprocess.CompletedProcess[str]) -> Any:
    """The JSON a program printed."""
    assert finished.stdout.strip(), finished.stderr
    return json.loads(finished.stdout)
