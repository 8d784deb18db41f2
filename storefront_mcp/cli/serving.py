"""`serve`, `demo` and `demo-shop`: uvicorn with what it needs to be quick and to end politely."""

import fcntl
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

import click
import uvicorn
from uvicorn.supervisors import Multiprocess

from storefront_mcp.app import create_app, planned_roadmap
from storefront_mcp.app.garbage import spare_what_stands
from storefront_mcp.app.housing import counted_alone
from storefront_mcp.app.observing import log_as, told_for_workers
from storefront_mcp.cli.starting import DEMO_FILE, DEMO_STATE, NOWHERE, config_option, found, write_demo
from storefront_mcp.cli.stops import Stopped, told
from storefront_mcp.database import Database, DatabaseFlags
from storefront_mcp.limits import buckets
from storefront_mcp.roadmap.roadmap import FlipRefused
from storefront_mcp.settings import Settings, demo_settings, outside_provider
from storefront_mcp.settings.observing import LogSettings
from storefront_mcp.web.wire.protocol import WireProtocol

LOOPBACK: Final = "127.0.0.1"

SERVER: Final[dict[str, Any]] = {
    "http": WireProtocol,
    "access_log": False,
    # Ours writes the server's lines too.
    "log_config": None,
    "server_header": False,
    # Whose word on addresses counts is a setting of ours; uvicorn would believe whatever is on the same machine.
    "proxy_headers": False,
    "date_header": True,
    # Longer than proxies and clients keep an idle connection: who closes first must not be us, or their next request
    # meets a closed door.
    "timeout_keep_alive": 75,
    # Requests in flight get this many seconds after SIGTERM; proxies and container hosts allow about as much.
    "timeout_graceful_shutdown": 25,
    # A worker that says nothing for so long counts as hung, and is killed with all it has under way: uvicorn's own five
    # seconds pass on a busy machine while nothing is wrong. One that fails while it starts is noticed as late.
    "timeout_worker_healthcheck": 20,
}


@click.command()
@config_option
@click.option("--host", help="Listen there instead of where the settings say.")
@click.option("--port", type=click.IntRange(0, 65_535), help="And on this port; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes.")
def serve(config: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the stores of a storefront.toml."""
    if workers is not None:
        # It is checked with the other settings, and workers, processes of their own, find it there.
        os.environ["STOREFRONT_WORKERS"] = str(workers)
    here = found(config)
    if here.path.name == DEMO_FILE:
        raise Stopped(NOWHERE)
    settings = here.settings
    host, port = host or settings.host, settings.port if port is None else port
    listening = _listen(host, port)
    # Workers are processes of their own: they find the settings by the same variable.
    os.environ["STOREFRONT_CONFIG"] = str(here.path.resolve())
    click.echo(
        f"Serving {', '.join(shop.origin for shop in settings.stores)} on http://{_address(listening)}", err=True
    )
    log_as(settings.logs)
    with told():
        if settings.workers == 1:
            _run(uvicorn.Config(create_app(settings), **SERVER), listening)
            return
        # What would stop every worker is told once, before there are any.
        Database(settings.database).close()
        outside_provider(settings.flags)
        buckets(settings.limits_store)
    if (notice := counted_alone(settings)) is not None:
        click.echo(notice, err=True)
    server = uvicorn.Config("storefront_mcp.app:create", factory=True, workers=settings.workers, **SERVER)
    with told(), told_for_workers(settings):
        Multiprocess(server, sockets=[listening]).run()


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--planned", is_flag=True, help="Start with every phase closed, as on the first day.")
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), default=DEMO_STATE, show_default=True, help="Database."
)
def demo(port: int, *, planned: bool, state: Path) -> None:
    """Serve Pickle Warehouse, a demo shop that needs nothing else. Every start is a fresh one."""
    listening = _listen(LOOPBACK, port)
    port = listening.getsockname()[1]
    with told(), _alone(state):
        settings = demo_settings(port, state=state)
        for leftover in state.glob(f"{Path(settings.database).name}*"):
            leftover.unlink()
        write_demo(state, port)
        if not planned:
            _open_what_is_delivered(settings)
        log_as(LogSettings(level="warning"))
        app = create_app(settings)
        click.echo(_banner(settings, planned=planned))
        _run(uvicorn.Config(app, log_level="warning", **SERVER), listening)


@click.command("demo-shop")
@click.option("--port", type=click.IntRange(0, 65_535), default=8081, show_default=True, help="0 takes a free one.")
def demo_shop(port: int) -> None:
    """Serve the demo shop alone, as a Maho store: something to point `kind = "maho"` at."""
    # No other command needs its catalogue.
    from storefront_mcp.demo.shop import demo_shop as build_demo_shop  # noqa: PLC0415

    listening = _listen(LOOPBACK, port)
    address = f"http://{_address(listening)}"
    click.echo(f"The demo shop speaks Maho's REST v2 at {address}. Stop it with Ctrl-C.")
    app = build_demo_shop(base_url=address)
    _run(uvicorn.Config(app, log_level="warning", lifespan="auto", **SERVER), listening)


def _run(config: uvicorn.Config, listening: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C, and call that a good end.

    uvicorn raises the signal anew once the last request is answered; left alone, that would look like a crash.
    """

    def end(_number: int, _frame: object) -> NoReturn:
        raise SystemExit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    spare_what_stands()
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket, before anything else is touched. Raises Stopped."""
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise Stopped(f"Cannot listen on {host}:{port}: {error.strerror}. Another --port may be free.") from None
    listening.set_inheritable(True)
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """A demo throws away the database of the one before: not while that one runs."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = (state / "lock").open("w", encoding="utf-8")
    except OSError as error:
        raise Stopped(f"{state} cannot be used: {error.strerror}. Name another --state.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Stopped(f"A demo is running in {state} already. Name another --state to run a second one.") from None
        yield


def _open_what_is_delivered(settings: Settings) -> None:
    database = Database(settings.database)
    flags = DatabaseFlags(database)
    for store in settings.stores:
        planned = planned_roadmap(store)
        for phase in planned.phases:
            if phase.delivered and not phase.missing:
                try:
                    flags.flip(planned, store.id, {phase.name: "active"}, by="demo")
                except FlipRefused:
                    # It stands on a phase that is not delivered yet.
                    continue
    flags.close()
    database.close()


def _banner(settings: Settings, *, planned: bool) -> str:
    origin = settings.stores[0].origin
    first = next(phase.name for phase in planned_roadmap(settings.stores[0]).phases)
    then = (
        f"open the first phase:  storefront-mcp phases open {first}"
        if planned
        else "see the phases:        storefront-mcp phases"
    )
    return f"""
  Pickle Warehouse is open{" soon" if planned else ""}.

  Landing page   {origin}/
  MCP endpoint   {origin}/mcp
  Card           {origin}/.well-known/mcp/server-card.json
  Orders         {origin}/demo/orders

  Let an agent in:       claude mcp add --transport http pickle {origin}/mcp
  In another terminal, {then}

  Stop it with Ctrl-C.
"""
