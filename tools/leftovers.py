"""Run a command and fail if it leaves something behind: `python -m tools.leftovers COMMAND …`.

Looked for: processes that descend from the command and what they listen on, services that start by themselves, and
files of the repository outside build/ and the caches. Temporary files go into a folder that is removed.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
MARK: Final = "TEST_RUN_ID"
"""An environment variable that descendants inherit, and by which they are known."""
GRACE_SECONDS: Final = 60.0
"""How long processes may take to end after the command has."""
ALLOWED: Final = (
    "build/ dist/ .venv/ node_modules/ __pycache__/ .coverage .hypothesis/ .import_linter_cache/ .mypy_cache/ "
    ".pytest_cache/ .ruff_cache/"
).split()
SERVICES: Final = ("etc/systemd/system/*.wants/*", "etc/systemd/user/*.wants/*", "etc/rc[2-5S].d/S*", "etc/cron.d/*")
"""What the machine starts by itself."""


def find_processes(mark: str) -> dict[int, str]:
    """Running processes with this mark, by id: their command lines."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                if line and int(entry.name) != os.getpid():
                    found[int(entry.name)] = f"{line[:200]}{_listening(entry)}"
        except OSError:
            # It has ended, or is somebody else's.
            continue
    return found


def _listening(process: Path) -> str:
    """On how many TCP ports and which a process listens."""
    sockets = {str(one.readlink()) for one in (process / "fd").iterdir()}
    lines = [line.split() for name in ("tcp", "tcp6") for line in (process / "net" / name).read_text().splitlines()[1:]]
    ports = {
        int(line[1].rpartition(":")[2], 16) for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets
    }
    return f" (listens on {', '.join(map(str, sorted(ports)))})" if ports else ""


def find_files(root: Path = ROOT) -> set[str]:
    """Files of the repository that are not in it, nor in build/ or a cache."""
    asked = subprocess.run(  # noqa: S603 -- git, with words of our own
        ["git", "-C", str(root), "status", "--porcelain", "--ignored", "--untracked-files=all"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    lines = asked.stdout.splitlines() if asked.returncode == 0 else []
    return {line for line in lines if not any(allowed in f"{line[3:]}/" for allowed in ALLOWED)}


def find_services(root: Path = Path("/")) -> set[str]:
    """What starts by itself with the machine."""
    return {str(path) for pattern in SERVICES for path in root.glob(pattern)}


def run(command: Sequence[str], *, grace_seconds: float = GRACE_SECONDS) -> tuple[int, list[str]]:
    """Run a command; its exit code, and what it left. Processes that are left are ended."""
    mark = uuid.uuid4().hex
    files, services = find_files(), find_services()
    folder = Path(tempfile.mkdtemp(prefix="storefront-test-"))
    # Servers without rights have folders in there; nobody can list it.
    folder.chmod(0o711)
    try:
        variables = {**os.environ, MARK: mark, "TMPDIR": str(folder)}
        code = subprocess.run(command, check=False, env=variables).returncode  # noqa: S603 -- what we were asked to run
        deadline = time.monotonic() + grace_seconds
        while (processes := find_processes(mark)) and time.monotonic() < deadline:
            time.sleep(0.1)
        for pid in processes:
            os.kill(pid, signal.SIGKILL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    left = [f"process {pid}: {line}" for pid, line in sorted(processes.items())]
    left += [f"service: {path}" for path in sorted(find_services() - services)]
    left += [f"file: {line}" for line in sorted(find_files() - files)]
    return code, left


if __name__ == "__main__":
    ended, remains = run(sys.argv[1:])
    if remains:
        print("\nLeft behind, though nothing may be:", *remains, sep="\n  ", file=sys.stderr)
    sys.exit(ended or bool(remains))
