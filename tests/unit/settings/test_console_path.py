"""The console stands at no address that something else answers at."""

from pathlib import Path

import msgspec
import pytest
from cryptography.fernet import Fernet

from storefront_mcp.agent_protocols.a2a import A2A_MOUNT
from storefront_mcp.agent_protocols.acp import ACP_MOUNT
from storefront_mcp.agent_protocols.ucp import UCP_MOUNT
from storefront_mcp.app import create_app
from storefront_mcp.settings.console import ConsolePath
from storefront_mcp.settings.demo import demo_settings

SHOPS_OWN = frozenset({"privacy-policy", "returns", "shipping"})
"""Pages that a shop names as it likes."""


def test_a_console_takes_no_path_of_ours(tmp_path: Path) -> None:
    settings = demo_settings(1234, state=tmp_path, key=Fernet.generate_key().decode())
    (store,) = settings.stores
    ours = {route.path.split("/")[1] for route in create_app(settings).routes}
    ours |= {mount.split("/")[1] for mount in (A2A_MOUNT, ACP_MOUNT, UCP_MOUNT)}
    named = {one for one in ours if one and "." not in one} - SHOPS_OWN - {store.console.path.strip("/")}

    assert len(named) > 10
    for one in sorted(named):
        for path in (f"/{one}", f"/{one}/console"):
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(path, ConsolePath)
    for path in ("/operator", "/accounts", "/pay-desk", "/staff/mcp"):
        assert msgspec.convert(path, ConsolePath) == path
