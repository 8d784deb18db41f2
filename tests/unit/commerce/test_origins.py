"""Origins are read in one place, whoever sent them."""

import pytest

from storefront_mcp.commerce.origins import is_loopback, origin_of


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8000", True),
        ("https://pickle.localhost/x", True),
        ("http://127.1.2.3", True),
        ("http://[::1]:80", True),
        ("http://localhost.example", False),
        ("http://10.0.0.1", False),
        ("http://[::1", False),
        ("null", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_else(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def test_an_origin_has_scheme_host_and_port_alone() -> None:
    assert origin_of("https://cdn.example:8443/a.png?b#c") == "https://cdn.example:8443"
