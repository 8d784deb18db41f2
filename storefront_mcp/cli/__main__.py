"""`python -m storefront_mcp.cli` is `storefront-mcp`."""

from storefront_mcp.cli import main

main(prog_name="storefront-mcp")
