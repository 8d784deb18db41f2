"""How commands find and load the settings."""

import os
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Final

import click
from msgspec import Struct

from storefront_mcp.cli.demo_folder import DEMO_FILE, DEMO_STATE, is_demo, load_demo_settings
from storefront_mcp.cli.errors import CommandFailed, friendly_errors
from storefront_mcp.settings import Settings
from storefront_mcp.settings.program import command_line
from storefront_mcp.settings.schema import SOFTWARE_KINDS
from storefront_mcp.settings.sign_in import ACCOUNT_KINDS, TOKEN_KINDS

SETTINGS_FILE: Final = "storefront.toml"
UPSTREAM_SECTION: Final = "[store.upstream]\n"
TIMEOUTS_COMMENT: Final = "# Seconds that the shop may take:"
"""What follows the section about the shop in the settings file."""
SECTIONS_OF: Final = {"# [store.sign_in]": ACCOUNT_KINDS, "# [store.sign_in.oidc]": TOKEN_KINDS}
"""Sections of the settings file, a paragraph each, that are for some kinds of shops only."""

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="PATH",
    envvar="STOREFRONT_CONFIG",
    help=f"The settings: a {SETTINGS_FILE}, or the folder of one or of a demo.  [default: STOREFRONT_CONFIG, "
    f"else ./{SETTINGS_FILE}, "
    f"else the demo in ./{DEMO_STATE}]",
)


class LoadedSettings(Struct, frozen=True):
    """Settings and the file they came from."""

    settings: Settings
    path: Path

    @property
    def is_demo(self) -> bool:
        """Whether these are the settings of a demo."""
        return is_demo(self.path)

    @property
    def has_database(self) -> bool:
        """Whether the database is a server, or a file that is there."""
        return self.settings.database.server or Path(self.settings.database).exists()


def settings_template(kind: str = SOFTWARE_KINDS[0]) -> str:
    """The file that `init` writes for a kind of shop, which has a section of its own about where the shop is."""
    folder = files("storefront_mcp.settings")
    whole = folder.joinpath(SETTINGS_FILE).read_text(encoding="utf-8")
    if kind == SOFTWARE_KINDS[0]:
        return whole
    before, _, rest = whole.partition(UPSTREAM_SECTION)
    _, after, end = rest.partition(TIMEOUTS_COMMENT)
    text = before + folder.joinpath(f"upstream_{kind}.toml").read_text(encoding="utf-8") + after + end
    refused = [section for section, kinds in SECTIONS_OF.items() if kind not in kinds]
    paragraphs = text.split("\n\n")
    return "\n\n".join(one for one in paragraphs if not any(f"\n{section}\n" in one for section in refused))


def load_settings(config: Path | None) -> LoadedSettings:
    """Load the settings: of `config`, of the working directory, or of the demo there. Raises CommandFailed."""
    path = locate_settings(config)
    if is_demo(path):
        return LoadedSettings(load_demo_settings(path), path)
    with friendly_errors():
        return LoadedSettings(Settings.load(path, os.environ), path)


def locate_settings(config: Path | None) -> Path:
    """The path of the settings file; that of `config` may not exist. Raises CommandFailed."""
    if config is not None:
        return _in_folder(config) if config.is_dir() else config
    for path in (Path(SETTINGS_FILE), DEMO_STATE / DEMO_FILE):
        if path.exists():
            return path
    raise CommandFailed(no_settings_message())


def refuse_template(here: LoadedSettings) -> None:
    """Raises CommandFailed if the settings still have the template's upstream."""
    (sample,) = tomllib.loads(settings_template())["store"]
    same = [store for store in here.settings.stores if store.upstream.url == sample["upstream"]["url"]]
    if same:
        also = [f"store.origin ({sample['origin']})"] if any(store.origin == sample["origin"] for store in same) else []
        left = " and ".join([*also, f"store.upstream.url ({sample['upstream']['url']})"])
        raise CommandFailed(
            f"{here.path} still has {left} of the template. Put your own there, and look at the rest of it."
        )


def no_settings_message() -> str:
    """The message where no settings are found."""
    return f"""There is no {SETTINGS_FILE} here.
  To write one:         {command_line("init")}
  To use another one:   --config PATH, or STOREFRONT_CONFIG=PATH
  To try the demo shop: {command_line("demo")}"""


def _in_folder(folder: Path) -> Path:
    """The settings file in a folder. Raises CommandFailed if it has a store's and a demo's."""
    ours, demo = folder / SETTINGS_FILE, folder / DEMO_FILE
    if not is_demo(demo):
        return ours
    if ours.exists():
        raise CommandFailed(f"{folder} has both {SETTINGS_FILE} and a demo's {DEMO_FILE}: name the file that is meant.")
    return demo
