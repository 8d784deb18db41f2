"""The listening socket of a server: bound here, or inherited by the protocol of systemd's socket activation."""

import errno
import os
import signal
import socket
import sys
from typing import Final, NoReturn

from storefront_mcp.cli.errors import CommandFailed
from storefront_mcp.settings.program import made_by

LAST_PORT: Final = 65_535
FIRST_INHERITED_FD: Final = 3
"""sd_listen_fds(3)."""
LISTEN_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def listen(host: str, port: int, command_line: str) -> socket.socket:
    """Bind a socket; `command_line` is advised with another port. Raises CommandFailed."""
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise CommandFailed(
            f"Cannot listen on {host}: {error.strerror}. Name an address of this machine: --host."
        ) from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise CommandFailed(
            f"Cannot listen on {host}:{port}: {error.strerror}. {_advice(error, port, command_line)}"
        ) from None
    listening.set_inheritable(True)
    return listening


def inherited_socket() -> socket.socket | None:
    """The socket that was passed to this process as `LISTEN_PID` and `LISTEN_FDS` say, else None.

    Removes the variables, which are for this process alone. Raises CommandFailed.
    """
    passed = {name: os.environ.pop(name, "") for name in LISTEN_VARIABLES}
    if passed["LISTEN_PID"] != str(os.getpid()):
        return None
    if passed["LISTEN_FDS"] != "1":
        raise CommandFailed(
            f"LISTEN_FDS is {passed['LISTEN_FDS']!r}, and serve takes one socket: leave one ListenStream= in the unit."
        )
    advice = "In the .socket unit, set ListenStream= to an address and a port, and leave Accept= off."
    try:
        listening = socket.socket(fileno=FIRST_INHERITED_FD)
    except OSError as error:
        raise CommandFailed(f"Descriptor 3 is not a socket: {error.strerror}. {advice}") from None
    if (
        listening.family not in {socket.AF_INET, socket.AF_INET6}
        or listening.type != socket.SOCK_STREAM
        or not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    ):
        listening.detach()
        raise CommandFailed(f"Descriptor 3 is not a listening TCP socket. {advice}")
    return listening


def replace_process(listening: socket.socket) -> NoReturn:
    """Execute this program anew in this process, and pass it the listening socket: its backlog waits meanwhile."""
    sys.stdout.flush()
    sys.stderr.flush()
    # A second one waits for its handler, where it would end the new program.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    os.dup2(listening.fileno(), FIRST_INHERITED_FD)
    os.set_inheritable(FIRST_INHERITED_FD, True)
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 -- no shell is wanted


def listening_address(listening: socket.socket) -> str:
    """Host and port, as in a URL."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _advice(error: OSError, port: int, command_line: str) -> str:
    """How to start the server on another port."""
    if error.errno == errno.EADDRINUSE:
        trouble = "Something else listens there: end that, or take another port"
        other = port + 1 if port < LAST_PORT else 0
    elif error.errno == errno.EACCES:
        trouble = "Ports below 1024 are for root: take a higher one"
        other = 8000
    else:
        return "Name an address of this machine: --host."
    made = made_by()
    return f"{trouble}: {made} PORT={other}" if made else f"{trouble}: {command_line} --port {other}"
