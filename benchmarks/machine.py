"""Where the numbers come from: processor, cores, Python; no names."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct


class Machine(Struct, frozen=True):
    """What a reader must know to compare."""

    cpu: str
    cores: int
    system: str
    python: str

    @classmethod
    def here(cls) -> "Machine":
        """This one."""
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        system = f"{platform.system()} {platform.release().split('-')[0]}"
        return cls(next(named, platform.machine()), os.cpu_count() or 1, system, platform.python_version())


def cores() -> tuple[int, int]:
    """The core of the servers and the core of the load; on a machine with one core they are the same."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """The command on that core; it ends when the process that starts it does."""
    return ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", str(core), *command]
