"""Workers on a machine that is busy with something else."""

import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.external.deploy.processes import answers, run, serving, settings_file, told
from tests.processes import told_by_kernel
from tests.serving import free_port, until

pytestmark = pytest.mark.slow

PAUSE = 8.0
"""Seconds; uvicorn's own patience is 5."""


def children(of: int) -> set[int]:
    """A process's children and theirs."""
    found: set[int] = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == of:
            found |= {int(entry.parent.name)} | children(int(entry.parent.name))
    return found


def workers(of: int) -> set[int]:
    """The worker processes of a server."""
    return {pid for pid in children(of) if b"spawn_main" in told_by_kernel(pid, "cmdline")}


def test_a_worker_that_gets_no_time_for_a_while_keeps_its_work(tmp_path: Path) -> None:
    port = free_port()
    settings_file(tmp_path, port, kind="maho", more=', url = "http://127.0.0.1:9"')
    with serving(tmp_path, port, "--workers", "2") as server:
        assert run(tmp_path, "phases", "open", "p1_browse").returncode == 0
        before = workers(server.pid)
        assert len(before) == 2
        stopped = min(before)
        os.kill(stopped, signal.SIGSTOP)
        since = time.monotonic()
        until(lambda: time.monotonic() > since + PAUSE, "the pause to pass", patience=PAUSE * 2)
        os.kill(stopped, signal.SIGCONT)
        until(lambda: answers(port), "an answer")
        assert httpx.get(f"http://127.0.0.1:{port}/.well-known/mcp.json").status_code == 200
        assert workers(server.pid) == before
        assert "died" not in told(tmp_path, port)
