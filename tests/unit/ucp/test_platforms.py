"""How a platform names its profile."""

import pytest

from storefront_mcp.message_signatures.digests import content_digest
from storefront_mcp.ucp.failures import UcpFailure
from storefront_mcp.ucp.platforms import check_digest, check_profile_url, profile_of_field

STORE = "https://pickle.example"
LOCAL = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("field", "profile"),
    [
        (b'profile="https://platform.example/agent.json"', "https://platform.example/agent.json"),
        (b'version="1", profile="https://p.example/a";x=1', "https://p.example/a"),
        (b'agent; version="2026-01-11"', None),
        (b"profile=7", None),
        (b"profile=(1 2)", None),
        (b'profile="', None),
        (b"", None),
        (b'profile="https://p.example/' + b"a" * 9000 + b'"', None),
    ],
)
def test_a_header_is_a_dictionary_with_a_profile(field: bytes, profile: str | None) -> None:
    assert profile_of_field(field) == profile


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://platform.example/agent.json",
        "https://",
        "https://user@platform.example/",
        "https://platform.example/#part",
        "https://platform.example:port/",
        "https://platform.example/a b",
        "https://plätform.example/",
        "https://[::1/",
        "https://platform.example/" + "a" * 2048,
        "ftp://platform.example/",
        "http://localhost:9/agent.json",
    ],
)
def test_a_profile_that_is_no_plain_https_address_is_refused(url: str) -> None:
    with pytest.raises(UcpFailure) as refused:
        check_profile_url(url, STORE)
    assert (refused.value.status, refused.value.code) == (400, "invalid_profile_url")


def test_a_store_on_this_machine_takes_a_platform_on_this_machine() -> None:
    assert check_profile_url("http://localhost:9/agent.json", LOCAL) == "http://localhost:9/agent.json"
    with pytest.raises(UcpFailure):
        check_profile_url("http://platform.example/agent.json", LOCAL)


def test_a_digest_of_another_body_is_refused_though_nobodys_profile_is_read() -> None:
    check_digest({}, b"{}")
    check_digest({b"content-digest": content_digest(b"{}").encode()}, b"{}")
    with pytest.raises(UcpFailure) as refused:
        check_digest({b"content-digest": content_digest(b"{ }").encode()}, b"{}")
    assert (refused.value.status, refused.value.code) == (400, "digest_mismatch")
