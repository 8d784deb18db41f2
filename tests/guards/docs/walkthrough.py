"""Do what a page says: run its commands in one shell and one folder, and compare what they print.

* Lines that begin with `$ ` are commands, `> ` continues one; the other lines of the block are what it prints. `…` in a
  line stands for any text, a line that is only `…` for any lines.
* A block whose first line is a comment with a file name is written to that file.
* A command that begins with `curl` only looks, so it is repeated until it prints what the page shows: a flip takes
  effect within a second, not at once.
* Servers run until the page ends, or starts another one on the same port. Ports of the page are replaced by free ones.
* `make` runs for real in a folder with our Makefile; only the environment is taken as complete.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.guards.docs.markdown import ROOT, Block
from tests.serving import WITH_US, free_port

PATIENCE = 120.0
END = "@@ends@@"
SERVER = re.compile(r"^(?:make run|(?:\.venv/bin/)?storefront-mcp (?:demo|serve|demo-shop))\b")
SHOP_PORT = "8081"
PORT = "8000"


class Walkthrough:
    """One reader, following one page from top to bottom."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = {port: str(free_port()) for port in (PORT, SHOP_PORT)}
        for name in ("Makefile", "uv.lock"):
            (folder / name).symlink_to(ROOT / name)
        (folder / ".venv").symlink_to(sys.prefix)
        ours = {
            name: text for name, text in os.environ.items() if not name.startswith(("STOREFRONT_", "MAKE", "MFLAGS"))
        }
        path = f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}"
        self._env = {
            **ours,
            "PATH": path,
            "PORT": self._ports[PORT],
            "ARGS": "",
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "80",
        }
        self._pause = threading.Event()
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self._shell = self._started(["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for running in (self._shell, *self._servers.values()):
            _end(running)

    def follow(self, block: Block) -> None:
        """Do what one block says."""
        if block.not_run is not None:
            return
        if block.file is not None:
            written = self._folder / block.file
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(self._here(block.text), encoding="utf-8")
            return
        assert block.language == "console", f"line {block.line}: nobody would run this block; name its file or say why"
        for command, shown in _steps(block):
            wanted = self._here(shown)
            printed = self._serve(command, wanted) if SERVER.match(command) else self._run(command, wanted)
            deadline = time.monotonic() + PATIENCE
            while command.startswith("curl ") and not _is_shown(printed, wanted) and time.monotonic() < deadline:
                self._pause.wait(0.1)
                printed = self._run(command, wanted)
            assert _is_shown(printed, wanted), f"line {block.line}: {command}\n{printed}\n--- is not ---\n{wanted}"

    def _run(self, command: str, wanted: str) -> str:
        """What a command prints. It must succeed, unless an error is shown, or it looks for something or a fault."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{self._here(command)}\nprintf '\\n%s %s\\n' {END} $?\n".encode())
        self._shell.stdin.flush()
        lines: list[str] = []
        watchdog = threading.Timer(PATIENCE, _end, [self._shell])
        watchdog.start()
        try:
            for raw in self._shell.stdout:
                line = raw.decode().rstrip()
                if line.startswith(END):
                    may_fail = "\nError" in f"\n{wanted}" or "| grep " in command or "doctor" in command
                    assert line == f"{END} 0" or may_fail, "\n".join([command, *lines, line])
                    return "\n".join(lines).strip("\n")
                lines.append(line)
        finally:
            watchdog.cancel()
        raise AssertionError("\n".join([f"the shell ended in: {command}", *lines]))

    def _serve(self, command: str, wanted: str) -> str:
        """What a server prints at its start, once it listens."""
        port = SHOP_PORT if "demo-shop" in command else PORT
        if port in self._servers:
            _end(self._servers.pop(port))
        log = self._folder / f"server-{port}.log"
        started = self._here(command).replace("make run", "make -o .venv/.runnable run")
        with log.open("wb") as out:
            running = self._servers[port] = self._started(["sh", "-c", f"exec {started}"], stdout=out)

        def printed() -> str:
            return "\n".join(line.rstrip() for line in log.read_text(encoding="utf-8").splitlines()).strip("\n")

        deadline = time.monotonic() + PATIENCE
        while running.poll() is None and time.monotonic() < deadline:
            if _is_shown(printed(), wanted) and _listens(self._ports[port]):
                break
            self._pause.wait(0.05)
        assert running.poll() is None, f"{command} ended:\n{printed()}"
        return printed()

    def _here(self, text: str) -> str:
        """A text of the page with this reader's ports."""
        for port, ours in self._ports.items():
            text = re.sub(rf"\b{port}\b", ours, text)
        return text

    def _started(self, arguments: list[str], **streams: object) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [*WITH_US, *arguments],
            cwd=self._folder,
            env=self._env,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **streams,
        )


def _steps(block: Block) -> list[tuple[str, str]]:
    """The commands of a block, each with what the page says it prints."""
    steps: list[tuple[list[str], list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            steps.append(([line[2:]], []))
            continue
        assert steps, f"line {block.line}: a console block begins with a command"
        command, shown = steps[-1]
        if line.startswith("> ") and not shown:
            command.append(line[2:])
        else:
            shown.append(line.rstrip())
    return [("\n".join(command), "\n".join(shown).strip("\n")) for command, shown in steps]


def _is_shown(printed: str, shown: str) -> bool:
    """Whether a command printed what the page shows."""
    lines = shown.splitlines()
    parts = [r"(?:.*\n)*" if line.strip() == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in lines]
    return re.fullmatch("".join(parts), f"{printed}\n" if printed else "") is not None


def _listens(port: str) -> bool:
    """Whether somebody answers there."""
    try:
        socket.create_connection(("127.0.0.1", int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def _end(running: "subprocess.Popen[bytes]") -> None:
    """End a process and all it started."""
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(120)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    for stream in (running.stdin, running.stdout):
        if stream is not None:
            stream.close()
