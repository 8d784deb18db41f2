"""`serve`, `demo` and `demo-shop`: uvicorn with our options, protocol class and shutdown."""

import os
import socket
from pathlib import Path
from typing import Any, Final

import click
import uvicorn

from storefront_mcp.app import CONFIG, create_app, planned_roadmap
from storefront_mcp.app.call_policy import unshared_limits_warning
from storefront_mcp.app.mirror_engine import check_engine
from storefront_mcp.app.observability import check_metrics_address, configure_logging, serve_worker_metrics
from storefront_mcp.cards.clients import client_slug
from storefront_mcp.cli.browser import open_page
from storefront_mcp.cli.demo_folder import DEMO_STATE, fresh_state
from storefront_mcp.cli.errors import CommandFailed, friendly_errors
from storefront_mcp.cli.http_protocol import http_protocol, timed_http_protocol, untested_uvicorn_notice
from storefront_mcp.cli.http_server import run_server
from storefront_mcp.cli.listening import inherited_socket, listen, listening_address
from storefront_mcp.cli.options import say_where
from storefront_mcp.cli.output import print_line
from storefront_mcp.cli.request_log import MAX_BODY_BYTES, write_to_terminal
from storefront_mcp.cli.settings_file import (
    LoadedSettings,
    config_option,
    load_settings,
    no_settings_message,
    refuse_template,
)
from storefront_mcp.cli.stop_deadline import GRACEFUL_SECONDS
from storefront_mcp.cli.workers import WorkerSupervisor
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.limits import create_rate_limiter, require_redis_client
from storefront_mcp.roadmap.flips import PhaseStatuses, with_statuses
from storefront_mcp.roadmap.roadmap import FlipRefused
from storefront_mcp.settings import Settings, external_flag_provider
from storefront_mcp.settings.program import command_line
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.settings.telemetry import LogSettings
from storefront_mcp.web.access_log import AccessLog

LOOPBACK_ADDRESS: Final = "127.0.0.1"

UVICORN_OPTIONS: Final[dict[str, Any]] = {
    "http": http_protocol(),
    "access_log": False,
    # `configure_logging` sets up uvicorn's loggers too.
    "log_config": None,
    "server_header": False,
    # `trusted_proxies` is ours; uvicorn would trust every client on the same machine.
    "proxy_headers": False,
    "date_header": True,
    # Longer than proxies and clients keep an idle connection: a request that meets our closing of it fails.
    "timeout_keep_alive": 75,
    "timeout_graceful_shutdown": GRACEFUL_SECONDS,
    # A worker that does not answer for so long is killed as hung; uvicorn's own five seconds pass on a busy machine.
    # One that fails while it starts is noticed as late.
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
    here = load_settings(config)
    if here.is_demo:
        again = command_line("demo", "--state", here.path.parent)
        raise CommandFailed(f"{here.path} is the state of a demo, which is served by: {again}\n{no_settings_message()}")
    refuse_template(here)
    settings = here.settings
    say_where(here, settings.stores)
    host, port = host or settings.host, settings.port if port is None else port
    inherited = inherited_socket()
    with (
        inherited or listen(host, port, command_line("serve", "--config", here.path)) as listening,
        friendly_errors(),
    ):
        # Workers are processes of their own: they find the settings by the same variable.
        os.environ[CONFIG] = str(here.path.resolve())
        _echo_untested_uvicorn()
        configure_logging(settings.logs)
        options = {**UVICORN_OPTIONS, "http": timed_http_protocol(settings.write_timeout)}
        if settings.workers == 1:
            check_metrics_address(settings)
            app = create_app(settings)
            run_server(
                uvicorn.Config(app, **options),
                listening,
                lambda: print_line(_serving(here, listening), err=True),
                _check_settings,
            )
            return
        # What would stop every worker is told once, before there are any.
        _check_connections(settings)
        if (notice := unshared_limits_warning(settings)) is not None:
            print_line(notice, err=True)
        server = uvicorn.Config(
            "storefront_mcp.cli.workers:create_worker_app", factory=True, workers=settings.workers, **options
        )
        with serve_worker_metrics(settings):
            print_line(_serving(here, listening), err=True)
            WorkerSupervisor(server, [listening], _check_settings).run()


def _check_settings() -> None:
    """Raises CommandFailed where a restart would not come up with the settings as they are now."""
    with friendly_errors():
        _check_connections(Settings.load(Path(os.environ[CONFIG]), os.environ))


def _check_connections(settings: Settings) -> None:
    """Raises: DatabaseUnusable, SettingsInvalid, RedisClientMissing, MirrorEngineMissing."""
    for store in settings.stores:
        check_engine(store)
    Database(settings.database).close()
    external_flag_provider(settings.flags)
    create_rate_limiter(settings.limits_store)
    if settings.catalogue.shared is not None:
        require_redis_client("catalogue.shared")


def _echo_untested_uvicorn() -> None:
    if (notice := untested_uvicorn_notice()) is not None:
        print_line(notice, err=True)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    envvar="STOREFRONT_PORT",
    default=8000,
    show_default="STOREFRONT_PORT, else 8000",
    help="0 takes a free one.",
)
@click.option("--open", "opens", is_flag=True, help="Show the landing page in a browser.")
@click.option("--planned", is_flag=True, help="Start with every phase closed, as on the first day.")
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    metavar="PATH",
    default=DEMO_STATE,
    show_default=True,
    help="Its folder, which it makes.",
)
def demo(port: int, *, opens: bool, planned: bool, state: Path) -> None:
    """Serve Pickle Warehouse, a demo shop that needs nothing else. Every start is a fresh one."""
    with (
        listen(LOOPBACK_ADDRESS, port, command_line("demo")) as listening,
        friendly_errors(),
        fresh_state(state, listening.getsockname()[1]) as settings,
    ):
        _echo_untested_uvicorn()
        if not planned:
            _open_delivered_phases(settings)
        configure_logging(LogSettings(level="warning"))
        app = AccessLog(create_app(settings), write_to_terminal, body_bytes=MAX_BODY_BYTES)
        banner = _banner(settings, state, planned=planned)

        def announce() -> None:
            print_line(banner)
            if opens:
                open_page(f"{settings.stores[0].origin}/")

        run_server(uvicorn.Config(app, log_level="warning", **UVICORN_OPTIONS), listening, announce)


@click.command("demo-shop")
@click.option("--port", type=click.IntRange(0, 65_535), default=8081, show_default=True, help="0 takes a free one.")
def demo_shop(port: int) -> None:
    """Serve the demo shop alone, as a Maho store: something to point `kind = "maho"` at."""
    # No other command needs its catalogue.
    from storefront_mcp.demo.shop import demo_shop as build_demo_shop  # noqa: PLC0415

    with listen(LOOPBACK_ADDRESS, port, command_line("demo-shop")) as listening:
        _echo_untested_uvicorn()
        address = f"http://{listening_address(listening)}"
        banner = f"The demo shop speaks Maho's REST v2 at {address}. Stop it with Ctrl-C."
        app = build_demo_shop(base_url=address)
        run_server(uvicorn.Config(app, log_level="warning", **UVICORN_OPTIONS), listening, lambda: print_line(banner))


def _serving(here: LoadedSettings, listening: socket.socket) -> str:
    """The message at the start: origins, address, and open phases of each store."""
    settings = here.settings
    lines = [f"Serving {', '.join(store.origin for store in settings.stores)} on http://{listening_address(listening)}"]
    database = Database(settings.database)
    flips = SqlFlipRepository(database)
    statuses = flips.current_statuses()
    flips.close()
    database.close()
    several = len(settings.stores) > 1
    for store in settings.stores:
        roadmap = with_statuses(planned_roadmap(store), statuses.get(store.id, PhaseStatuses(0, {})))
        opened = [phase.name for phase in roadmap.phases if phase.open]
        if opened:
            lines.append(f"  {store.id}: {', '.join(opened)} {'is' if len(opened) == 1 else 'are'} open")
            continue
        first = next((phase.name for phase in roadmap.phases if phase.delivered), "NAME")
        named = ("--store", store.id) if several else ()
        opens = command_line("phases", "open", first, "--config", here.path, *named)
        lines.append(f"  {store.id}: no phase is open, so agents see what is planned; to open the first: {opens}")
    return "\n".join(lines)


def _open_delivered_phases(settings: Settings) -> None:
    database = Database(settings.database)
    flips = SqlFlipRepository(database)
    for store in settings.stores:
        planned = planned_roadmap(store)
        for phase in planned.phases:
            if phase.delivered and not phase.missing:
                try:
                    flips.flip(planned, store.id, {phase.name: "active"}, by="demo")
                except FlipRefused:
                    # It requires a phase that is not delivered.
                    continue
    flips.close()
    database.close()


def _sign_in_lines(store: StoreSettings) -> str:
    return f"  Account        {store.sign_in.note}\n" if store.sign_in.on else ""


def _banner(settings: Settings, state: Path, *, planned: bool) -> str:
    store = settings.stores[0]
    origin = store.origin
    first = next(phase.name for phase in planned_roadmap(store).phases)
    then = (
        f"open the first phase:  {command_line('phases', 'open', first, '--config', state)}"
        if planned
        else f"see the phases:        {command_line('phases', '--config', state)}"
    )
    return f"""
  Pickle Warehouse is open{" soon" if planned else ""}.

  Landing page   {origin}/
  MCP endpoint   {origin}/mcp
  Card           {origin}/.well-known/mcp/server-card.json
  Orders         {origin}/demo/orders
{"" if planned else _sign_in_lines(store)}
  Let an agent in:       claude mcp add --transport http {client_slug(store.name)} {origin}/mcp
  In another terminal, {then}

  Stop it with Ctrl-C.
"""
