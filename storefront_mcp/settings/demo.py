"""The settings of Pickle Warehouse, the built-in demo."""

from pathlib import Path
from typing import Final

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.settings.agent_protocols import A2aSettings, UcpSettings
from storefront_mcp.settings.catalogue import CatalogueSettings, MirrorSettings
from storefront_mcp.settings.mail import StoreMailSettings
from storefront_mcp.settings.schema import PaymentSettings, StoreSettings, UpstreamSettings
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.sign_in import SignInSettings
from storefront_mcp.settings.storage import DatabaseLocation, PrivacySettings

DEMO_DATABASE: Final = DatabaseLocation("demo.db")
"""Not the default name of a real store's database."""
DEMO_NOTE: Final = "Sign in as ada@pickle.example with the password dill-and-garlic."
DEMO_CATALOGUE: Final = "demo-catalogue"
"""Folder of the mirror."""


def demo_settings(port: int, *, state: Path, mirror: bool = False, key: str | None = None) -> Settings:
    """Settings of a server for the demo shop on loopback; `state` is the folder of its database and its mirror.

    With a `key` for personal data, customers can sign in.
    """
    origin = f"http://127.0.0.1:{port}"
    store = StoreSettings(
        id=StoreId("pickle"),
        origin=origin,
        hosts=(f"localhost:{port}",),
        name="Pickle Warehouse",
        tagline="Pickleball gear and proper pickles, sent from Melbourne.",
        currency="AUD",
        locale="en-AU",
        delivery_times={
            "auspost_parcel": "2-6 working days",
            "auspost_express": "1-2 working days",
            "auspost_international": "6-15 working days",
            "brinebike_sameday": "same day, if ordered before noon",
        },
        legal_name="Pickle Warehouse Pty Ltd",
        address="7 Brine Lane, Footscray VIC 3011, Australia",
        mail=StoreMailSettings(contact="hello@pickle.example"),
        icon=f"{origin}/favicon.ico",
        documentation=f"{origin}/api/docs",
        privacy_policy=f"{origin}/privacy-policy",
        pages=("shipping", "returns", "privacy-policy"),
        upstream=UpstreamSettings(kind="demo"),
        payments=PaymentSettings(provider="sandbox"),
        ucp=UcpSettings(enabled=True, fetch_profiles=False),
        mirror=MirrorSettings(on=mirror),
        a2a=A2aSettings(enabled=True),
        sign_in=SignInSettings(on=key is not None, note=DEMO_NOTE),
    )
    return Settings(
        stores=(store,),
        database=DEMO_DATABASE.at(state.resolve(), None),
        catalogue=CatalogueSettings(folder=DEMO_CATALOGUE).at(state.resolve()),
        personal_data=PrivacySettings(key=() if key is None else (Secret(key),)),
        port=port,
    )
