"""Addresses below a shop's are the ones that httpx reads out of the whole text."""

from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, strategies as st

from storefront_mcp.backends.upstream_messages import MAX_CACHED_URL_CHARS, RequestBuilder
from storefront_mcp.commerce.errors import ShopRefused

SHOPS = [
    "http://127.0.0.1:8081",
    "https://Shop.Example/api/rest/v2/",
    "https://u:p@[2001:db8::1]:444/a%20b",
    "http://bücher.example",
]
PATHS = ["/products", "/guest-carts/e3fb/items/7", "/a/../b", "/./a", "/a.b", "/a b", "/é", "/a?b=c", "/a#b", "/", ""]
PATHS += ["//a", "/a/", "/%41"]


def builder(shop: str) -> RequestBuilder:
    return RequestBuilder(shop, {}, read=1, connect=1)


@pytest.mark.parametrize("shop", SHOPS)
@given(
    path=st.sampled_from(PATHS) | st.from_regex(r"(/[A-Za-z0-9_~-]{1,8}){1,4}", fullmatch=True),
    query=st.none() | st.dictionaries(st.text(max_size=6), st.text(max_size=12), max_size=4),
)
def test_an_address_is_what_httpx_reads(shop: str, path: str, query: dict[str, str] | None) -> None:
    try:
        told = f"?{urlencode(query)}" if query else ""
    except UnicodeError:
        with pytest.raises(ShopRefused):
            builder(shop).build("GET", path, query=query)
        return
    wanted, found = httpx.URL(shop.rstrip("/") + path + told), builder(shop).build("GET", path, query=query).url

    assert found == wanted
    assert (str(found), found.raw_path, found.host, found.port) == (
        str(wanted),
        wanted.raw_path,
        wanted.host,
        wanted.port,
    )


def test_what_is_too_long_is_refused_by_httpx() -> None:
    path = "/" + "a" * 2 * MAX_CACHED_URL_CHARS
    assert builder(SHOPS[0]).build("GET", path).url.path == path
    with pytest.raises(ShopRefused) as refused:
        builder(SHOPS[0]).build("GET", "/products", query={"search": "a" * 70_000})
    assert isinstance(refused.value.__cause__, httpx.InvalidURL)
