"""The command line: `storefront-mcp init | serve | demo | demo-shop | phases | connect`."""

import click

from storefront_mcp.cli.connecting import connect
from storefront_mcp.cli.phases import phases
from storefront_mcp.cli.serving import demo, demo_shop, serve
from storefront_mcp.cli.starting import init


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="storefront-mcp", prog_name="storefront-mcp")
def main() -> None:
    """Let AI agents find your shop, browse it and buy from it."""


for _command in (init, serve, demo, demo_shop, phases, connect):
    main.add_command(_command)
