"""A store's addresses come from its origin."""

import pytest
from msgspec.structs import replace

from tests.fakes.memory_backend import STORE


@pytest.mark.parametrize(
    ("origin", "host", "hostname"),
    [
        ("https://pickle.example", "pickle.example", "pickle.example"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", "127.0.0.1"),
        ("http://[::1]:8000", "[::1]:8000", "::1"),
    ],
)
def test_every_address_starts_with_the_origin(origin: str, host: str, hostname: str) -> None:
    store = replace(STORE, origin=origin)
    assert (store.host, store.hostname) == (host, hostname)
    assert store.endpoint == f"{origin}/mcp"
    assert store.card_url == f"{origin}/.well-known/mcp/server-card.json"
    assert store.url("/x") == f"{origin}/x"


def test_the_server_is_called_after_the_store() -> None:
    assert STORE.title == "Pickle Warehouse MCP Server"
