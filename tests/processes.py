"""What Linux tells of a process (proc_pid(5)), also while it ends."""

from pathlib import Path


def told_by_kernel(pid: int, name: str) -> bytes:
    """A file of /proc/PID; nothing when the process has ended, be it between opening the file and reading it."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it is more than an exit code that waits to be read."""
    after_name = told_by_kernel(pid, "stat").rpartition(b")")[2].split()
    return bool(after_name) and after_name[0] != b"Z"


def spawned_by(pid: int) -> list[int]:
    """Process ids of what a process has spawned by `multiprocessing`, oldest first."""
    children = map(int, told_by_kernel(pid, f"task/{pid}/children").split())
    return [child for child in children if b"spawn_main" in told_by_kernel(child, "cmdline")]
