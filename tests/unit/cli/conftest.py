"""No command of these tests asks the server of somebody else that happens to run on this machine."""

import pytest

from tests.serving import free_port


@pytest.fixture(autouse=True)
def own_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the port of the settings."""
    monkeypatch.setenv("STOREFRONT_PORT", str(free_port()))
