"""Networks by which the addresses of one holder are counted together."""

import pytest

from storefront_mcp.access.networks import provider_of, site_of


@pytest.mark.parametrize(
    ("address", "site", "provider"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32"),
        ("2001:db8:1:2:3::9", "2001:db8:1::/48", "2001:db8::/32"),
        ("::1", "::/48", "::/32"),
        ("unidentified", "unidentified", "unidentified"),
        ("a:b", "a:b", "a:b"),
        ("", "", ""),
    ],
)
def test_an_address_is_in_the_network_of_a_site_and_in_that_of_a_provider(
    address: str, site: str, provider: str
) -> None:
    assert (site_of(address), provider_of(address)) == (site, provider)
