"""`storefront-mcp serve` as a process of its own, as units and containers run it."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from tests.external.deploy.files import ROOT
from tests.serving import until

HERE: Final = (sys.executable, "-m", "storefront_mcp.cli")
STARTING: Final = 300.0
STOPPING: Final = 240.0
STORE: Final = """
[[store]]
id = "pickle"
origin = "http://127.0.0.1:{port}"
name = "Pickle Warehouse"
currency = "AUD"
upstream = {{ kind = "{kind}"{more} }}
payments = {{ provider = "sandbox" }}
"""


def settings_file(
    folder: Path, port: int, *, kind: str = "demo", more: str = "", above: str = "", below: str = ""
) -> Path:
    """Write a storefront.toml for this machine."""
    path = folder / "storefront.toml"
    path.write_text(f"port = {port}\n{above}" + STORE.format(port=port, kind=kind, more=more) + below, encoding="utf-8")
    return path


@contextlib.contextmanager
def serving(
    folder: Path,
    port: int,
    *arguments: str,
    command: Sequence[str | Path] = HERE,
    variables: Mapping[str, str] = {},
    account: int | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `serve` in a folder until the end of the block, and see it end well."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    words = ["timeout", "900", *map(str, command), "serve", "--port", str(port), *arguments]
    with (folder / f"serve-{port}.txt").open("wb") as out:
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdout=out, stderr=out, user=account, start_new_session=True
        )
        try:
            until(lambda: process.poll() is not None or answers(port), "the server", patience=STARTING)
            assert process.poll() is None, told(folder, port)
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOPPING) == 0, told(folder, port)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(120)


def told(folder: Path, port: int) -> str:
    """What the server has said."""
    return (folder / f"serve-{port}.txt").read_text(errors="replace")


def run(folder: Path, *arguments: str | Path, variables: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """Run another command of ours."""
    return subprocess.run(
        [*HERE, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=STARTING,
    )


def answers(port: int) -> bool:
    """Whether it serves."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=120).status_code == 200
    except httpx.TransportError:
        return False
