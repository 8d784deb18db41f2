"""`init`, and where every other command finds the settings."""

import os
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Final

import click
from msgspec import Struct

from storefront_mcp.cli.stops import Stopped, told
from storefront_mcp.settings import Settings, demo_settings

FILE: Final = "storefront.toml"
DEMO_STATE: Final = Path(".storefront-demo")
DEMO_FILE: Final = "demo.toml"

NOWHERE: Final = f"""There is no {FILE} here.
  To write one:         storefront-mcp init
  To use another one:   --config PATH, or STOREFRONT_CONFIG=PATH
  To try the demo shop: storefront-mcp demo"""

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="STOREFRONT_CONFIG",
    help=f"The settings: a {FILE}, or a demo's state directory.  [default: ./{FILE}, else a demo started here]",
)


class Found(Struct, frozen=True):
    """Settings and the file they came from."""

    settings: Settings
    path: Path


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=FILE)
def init(path: Path) -> None:
    """Write a commented storefront.toml to PATH."""
    if path.is_dir():
        path /= FILE
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        raise Stopped(f"{path} exists already and was left as it is. Name another path or move it away.") from None
    except OSError as error:
        raise Stopped(f"{path} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {path}. Fill in your shop, then: storefront-mcp serve --config {path}")


def template() -> str:
    """The file that `init` writes."""
    return files("storefront_mcp.settings").joinpath(FILE).read_text(encoding="utf-8")


def found(config: Path | None) -> Found:
    """The settings of this call: as named, from here, or of the demo that was started here. Raises Stopped."""
    path = located(config)
    if path.name == DEMO_FILE:
        return Found(_demo(path), path)
    with told():
        return Found(Settings.load(path, os.environ), path)


def located(config: Path | None) -> Path:
    """The file of this call's settings, which need not be there if it was named. Raises Stopped."""
    for path in (config,) if config is not None else (Path(FILE), DEMO_STATE / DEMO_FILE):
        if path.is_dir():
            path = path / DEMO_FILE if (path / DEMO_FILE).exists() else path / FILE  # noqa: PLW2901
        if config is not None or path.exists():
            return path
    raise Stopped(NOWHERE)


def write_demo(state: Path, port: int) -> None:
    """Leave word of a demo, for commands in the same directory."""
    (state / DEMO_FILE).write_text(f"# Written by: storefront-mcp demo\nport = {port}\n", encoding="utf-8")


def _demo(path: Path) -> Settings:
    try:
        port = tomllib.loads(path.read_text(encoding="utf-8"))["port"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        raise Stopped(f"{path} cannot be read. Start the demo again: storefront-mcp demo") from None
    return demo_settings(port, state=path.parent)
