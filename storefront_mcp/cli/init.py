"""`init`: write a first settings file, or the entry of a store for the MCP registry."""

from pathlib import Path
from typing import Final

import click

from storefront_mcp.app import planned_roadmap, server_identity
from storefront_mcp.cards.registry_entry import registry_entry
from storefront_mcp.cli.errors import CommandFailed
from storefront_mcp.cli.options import choose_store, store_option
from storefront_mcp.cli.settings_file import SETTINGS_FILE, config_option, settings_template
from storefront_mcp.settings.program import command_line
from storefront_mcp.settings.schema import SOFTWARE_KINDS

REGISTRY_FILE: Final = "server.json"
STANDARD_OUTPUT: Final = Path("-")


@click.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--registry", is_flag=True, help=f"Write {REGISTRY_FILE}, the entry of a store for the MCP registry.")
@click.option(
    "--kind",
    type=click.Choice(SOFTWARE_KINDS),
    default=SOFTWARE_KINDS[0],
    show_default=True,
    help="The shop's software.",
)
@config_option
@store_option
def init_command(path: Path | None, kind: str, config: Path | None, store: str | None, *, registry: bool) -> None:
    """Write a commented storefront.toml to PATH; - is standard output."""
    if registry:
        entry, publish = _registry_entry(config, store)
        _write(path, REGISTRY_FILE, entry, publish)
    elif config is not None or store is not None:
        raise CommandFailed("A new settings file is of no store yet: --config and --store go with --registry.")
    else:
        _write(path, SETTINGS_FILE, settings_template(kind), "Fill in your shop, then: {serve}")


def _write(path: Path | None, name: str, text: str, advice: str) -> None:
    """A file of that name unless the path says another. Raises CommandFailed, also where there is one already."""
    path = Path(name) if path is None else path
    if path == STANDARD_OUTPUT:
        click.echo(text, nl=False)
        return
    if path.is_dir():
        path /= name
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CommandFailed(
            f"{path} exists already and was left as it is. Name another path or move it away."
        ) from None
    except FileNotFoundError:
        raise CommandFailed(f"{path} cannot be written: there is no folder {path.parent}. Make it first.") from None
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {path}. {advice.format(serve=command_line('serve', '--config', path))}")


def _registry_entry(config: Path | None, wanted: str | None) -> tuple[str, str]:
    """The entry of a store and how to publish it. Raises CommandFailed where the registry would refuse it."""
    here, settings = choose_store(config, wanted)
    store = settings.store(server_identity(settings, sse=here.settings.workers == 1))
    if not store.origin.startswith("https://"):
        raise CommandFailed(
            f"The registry takes servers that anybody can reach over https, and the origin of {store.id} is "
            f"{store.origin}. Set store.origin to its public address."
        )
    entry = registry_entry(store, planned_roadmap(settings)).decode()
    login = f"mcp-publisher login dns --domain {store.hostname}"
    return entry, f"Once a phase is open, publish it: {login}, then mcp-publisher publish."
