"""uvicorn's server with a shutdown that loses no connection, and a restart on SIGHUP."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Final

import uvicorn

from storefront_mcp.app.gc_tuning import freeze_gc
from storefront_mcp.cli.errors import CommandFailed
from storefront_mcp.cli.listening import replace_process
from storefront_mcp.cli.stop_deadline import StopDeadline

BACKLOG_ROUNDS: Final = 8
"""Rounds of the event loop in which it accepts what is queued, and in which accepted connections get their protocol."""

logger = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """uvicorn's, which accepts the connections of the listen backlog before it stops listening, and ends in time."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._deadline: StopDeadline | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, within STOP_SECONDS from the signal to stop on."""
        self._deadline = StopDeadline()
        try:
            super().run(sockets)
        finally:
            self._deadline.cancel()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """As uvicorn's."""
        if self._deadline is not None and self._loop is not None:
            self._deadline.start(self._loop)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        await _run_event_loop(BACKLOG_ROUNDS)
        for server in self.servers:
            server.close()
        for listening in sockets or ():
            listening.close()
        # uvicorn tells the connections that it knows to close; the newest have no protocol yet.
        await _run_event_loop(BACKLOG_ROUNDS)
        await super().shutdown()


class RestartableServer(DrainingServer):
    """The server of a process without workers: announces its start, and ends to be executed anew on SIGHUP."""

    def __init__(
        self,
        config: uvicorn.Config,
        listening: socket.socket,
        announce: Callable[[], None],
        check: Callable[[], None] | None,
    ) -> None:
        """`check` raises CommandFailed where the settings cannot be used; without it SIGHUP is left as it is."""
        super().__init__(config)
        self.restarting = False
        self._listening = listening
        self._announce = announce
        self._check = check
        self._had_terminal = has_terminal()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        await super().startup(sockets)
        if self.started:
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's; keeps the listening socket for a restart."""
        if self.restarting:
            await super().shutdown(sockets)
        else:
            await super().shutdown([*(sockets or ()), self._listening])

    def handle_hangup(self, _number: int, _frame: FrameType | None) -> None:
        """SIGHUP: end if the terminal was closed, else restart if the settings can be used."""
        if not (self._had_terminal and not has_terminal()):
            if self.should_exit or not settings_usable(self._check):
                return
            logger.info("Received SIGHUP, restarting.")
            self.restarting = True
        signal.raise_signal(signal.SIGTERM)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """As uvicorn's; a signal to stop that comes during a restart stops for good."""
        if self.should_exit:
            self.restarting = False
        super().handle_exit(sig, frame)


def run_server(
    config: uvicorn.Config,
    listening: socket.socket,
    announce: Callable[[], None],
    check: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, which exit with 0; with `check`, restart in this process on SIGHUP."""
    server = RestartableServer(config, listening, announce, check)

    def end(_number: int, _frame: object) -> None:
        # uvicorn raises the signal anew at its end.
        if server.restarting:
            return
        raise SystemExit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if check is not None and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, server.handle_hangup)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    freeze_gc()
    server.run(sockets=[listening.dup()])
    if server.restarting:
        replace_process(listening)


def settings_usable(check: Callable[[], None] | None) -> bool:
    """Whether a restart would come up with the settings as they are now; logs why not."""
    try:
        if check is not None:
            check()
    except CommandFailed as failed:
        logger.error("Received SIGHUP, and go on as before: the settings cannot be used. %s", failed.message)  # noqa: TRY400
        return False
    return True


def has_terminal() -> bool:
    """Whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


async def _run_event_loop(rounds: int) -> None:
    for _ in range(rounds):
        await asyncio.sleep(0)
