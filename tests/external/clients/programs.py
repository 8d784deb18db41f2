"""Run `storefront-mcp` as operators do: as processes of their own, bounded, ended and heard."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.processes import spawned_by
from tests.serving import PATIENCE, WITH_US, until

BIN = Path(sys.executable).parent
QUIET = {name: value for name, value in os.environ.items() if not name.startswith("STOREFRONT_")}
"""The tester's own settings are not the test's."""


class Program:
    """A command that runs beside the test; what it says goes to a file."""

    def __init__(self, *arguments: str, cwd: Path, said: Path) -> None:
        self._said = said
        self.name = " ".join(("storefront-mcp", *arguments))
        with said.open("wb") as output:
            self._process = subprocess.Popen(
                [*WITH_US, BIN / "storefront-mcp", *arguments],
                cwd=cwd,
                env=QUIET,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """All that it said so far."""
        return self._said.read_text(encoding="utf-8", errors="replace")

    @property
    def workers(self) -> list[int]:
        """Process ids of what it forked and spawned to serve, oldest first."""
        return spawned_by(self._process.pid)

    def listens(self, port: int) -> bool:
        """Whether it accepts connections; fails when it has ended instead."""
        assert self._process.poll() is None, f"{self.name} ended with {self._process.returncode}:\n{self.output}"
        return accepts(port)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """End it and its workers at once; that it is gone already is as good."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)


@contextlib.contextmanager
def running(*arguments: str, port: int, cwd: Path) -> Iterator[Program]:
    """A command that serves on `port`, from when it accepts connections; its output is shown if the test fails."""
    program = Program(*arguments, cwd=cwd, said=cwd / f"{arguments[0]}-{port}.log")
    try:
        until(lambda: program.listens(port), f"{program.name} to listen")
        yield program
    finally:
        program.kill()
        sys.stdout.write(f"--- {program.name}\n{program.output}")


def ran(*arguments: str, cwd: Path) -> str:
    """What a command says that ends by itself and well."""
    done = subprocess.run(
        [BIN / "storefront-mcp", *arguments],
        cwd=cwd,
        env=QUIET,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


def accepts(port: int) -> bool:
    """Whether anybody accepts connections on this port of loopback."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def settings_of(port: int, *, shop: str, folder: Path) -> Path:
    """A storefront.toml for a Maho store at `shop`, served on `port`."""
    path = folder / "storefront.toml"
    path.write_text(
        f"""\
port = {port}

[[store]]
id = "pickle"
origin = "http://127.0.0.1:{port}"
name = "Pickle Warehouse"
currency = "AUD"

[store.upstream]
kind = "maho"
url = "{shop}"

[store.payments]
provider = "sandbox"
""",
        encoding="utf-8",
    )
    return path
