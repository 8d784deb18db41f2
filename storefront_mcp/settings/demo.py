"""The settings of Pickle Warehouse, the built-in demo."""

from pathlib import Path

from storefront_mcp.commerce.names import StoreId
from storefront_mcp.settings.server import DATABASE, Settings
from storefront_mcp.settings.shape import PaymentSettings, StoreSettings, Upstream


def demo_settings(port: int, *, state: Path) -> Settings:
    """A server for the demo shop on this machine; `state` is the folder of its database."""
    origin = f"http://127.0.0.1:{port}"
    store = StoreSettings(
        id=StoreId("pickle"),
        origin=origin,
        hosts=(f"localhost:{port}",),
        name="Pickle Warehouse",
        tagline="Pickleball gear and proper pickles, sent from Melbourne.",
        currency="AUD",
        locale="en-AU",
        icon=f"{origin}/favicon.ico",
        documentation=f"{origin}/api/docs",
        privacy_policy=f"{origin}/privacy-policy",
        pages=("shipping", "returns", "privacy-policy"),
        upstream=Upstream(kind="demo", prices_include_tax=True),
        payments=PaymentSettings(provider="sandbox"),
    )
    return Settings(stores=(store,), database=DATABASE.at(state.resolve(), None), port=port)
