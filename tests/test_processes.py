"""Tests of what is asked of other processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import is_running, spawned_by, told_by_kernel


def test_a_process_runs_until_it_has_ended_also_before_its_code_is_read() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_running(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_running(process.pid), "it waits for its parent"
    assert not is_running(process.pid)
    assert spawned_by(process.pid) == []


@pytest.mark.parametrize("ended", [FileNotFoundError, ProcessLookupError])
def test_a_process_that_ends_while_it_is_looked_at_has_ended(
    ended: type[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_: Path) -> bytes:
        raise ended

    monkeypatch.setattr(Path, "read_bytes", read)
    assert told_by_kernel(os.getpid(), "stat") == b""
    assert not is_running(os.getpid())
