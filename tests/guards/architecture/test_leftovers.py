"""A test run leaves nothing behind, and whatever it does leave is named."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from tests.processes import is_running
from tests.serving import until
from tools import leftovers

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")]
SERVER = (
    "import socket, time; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); "
    "open('{port}', 'w').write(str(s.getsockname()[1])); time.sleep(300)"
)


def test_a_process_that_is_left_is_named_with_its_port_and_ended(tmp_path: Path) -> None:
    port = tmp_path / "port"
    start = (
        "import subprocess, sys, os, time\n"
        f"subprocess.Popen([sys.executable, '-c', {SERVER.format(port=port)!r}], start_new_session=True)\n"
        f"while not os.path.exists({str(port)!r}) or not open({str(port)!r}).read(): time.sleep(0.01)\n"
    )

    code, (left,) = leftovers.run([sys.executable, "-c", start], grace_seconds=0)

    assert code == 0
    assert f"(listens on {port.read_text()})" in left
    pid = int(left.split()[1].rstrip(":"))
    until(lambda: not is_running(pid), "its end")


def test_a_command_that_leaves_nothing_keeps_its_exit_code_and_loses_its_temporary_files() -> None:
    before = set(Path(tempfile.gettempdir()).glob("storefront-test-*"))
    script = "import os, sys, tempfile; open(os.path.join(tempfile.mkdtemp(), 'x'), 'w').close(); sys.exit(3)"

    assert leftovers.run([sys.executable, "-c", script]) == (3, [])

    mine = set(Path(tempfile.gettempdir()).glob("storefront-test-*")) - before
    assert not any(path.stat().st_uid == os.getuid() and any(path.iterdir()) for path in mine)


def test_a_file_in_the_repository_is_named_and_one_in_a_cache_is_not(tmp_path: Path) -> None:
    os.system(f"git init -q {tmp_path}")
    before = leftovers.find_files(tmp_path)
    for name in ("left.txt", "build/log", ".mypy_cache/x", "tests/__pycache__/x.pyc", ".coverage.1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert leftovers.find_files(tmp_path) - before == {"?? left.txt"}


def test_a_service_that_was_enabled_is_named(tmp_path: Path) -> None:
    wants = tmp_path / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    before = leftovers.find_services(tmp_path)

    (wants / "prometheus.service").symlink_to("/lib/systemd/system/prometheus.service")

    assert leftovers.find_services(tmp_path) - before == {str(wants / "prometheus.service")}
