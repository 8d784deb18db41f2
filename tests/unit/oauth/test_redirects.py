"""Which redirect URIs may be used, and which of a client's own is meant: a table, and a slow matcher beside ours."""

import ipaddress
import itertools
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings, strategies as st

from storefront_mcp.oauth.redirects import is_same_redirect, is_usable, without_port
from tests.often import often

USABLE = (
    "https://claude.ai/api/mcp/auth_callback",
    "https://xn--bcher-kva.example/cb",
    "https://[2001:db8::1]:8443/cb?x=%2f",
    "https://agent.example",
    "http://127.0.0.1/",
    "http://127.0.0.1:36977/callback",
    "http://[::1]:1/cb",
    "http://localhost:3000/oauth/callback?a=b",
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "claude://claude.ai/mcp-auth-callback/sdk",
    "com.example.app:/cb",
    "vscode://ms.login/cb",
    "vscode-insiders://vscode.github-authentication/did-authenticate",
    "com.example.app://callback?next=%2Fhome",
)
UNUSABLE = (
    "",
    "callback",
    "/callback",
    "https:",
    "https://",
    "https:///cb",
    "https:/agent.example/cb",
    "https:agent.example",
    "HTTPS://agent.example/cb",
    "https://user@agent.example/cb",
    "https://agent.example@evil.example/cb",
    "https://agent.example:99999/cb",
    "https://agent.example:/cb",
    "https://agent.example:x/cb",
    "https://agent.example/cb#fragment",
    "https://agent.example/*",
    "https://*.example/cb",
    "https://agent.example\\@evil.example/cb",
    "https://agent.example/c b",
    "https://agent.example/cb\n",
    "https://agent.example/\x00",
    "https://bücher.example/cb",
    "https://agent.example/ü",
    "https://-agent.example/cb",
    "https://[::1/cb",
    "https://agent.example/" + "a" * 2048,
    "http://agent.example/cb",
    "http://127.0.0.2/cb",
    "http://127.1/cb",
    "http://0.0.0.0/cb",
    "http://LOCALHOST/cb",
    "http://localhost./cb",
    "http://localhost.evil.example/cb",
    "http://localhost@evil.example/cb",
    "http://127.0.0.1@evil.example/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "http://127.0.0.1:65536/cb",
    "http:/localhost/cb",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "blob:https://agent.example/1",
    "vbscript:x",
    "about:blank",
    "ws://agent.example/",
    "wss://agent.example/",
    "ftp://agent.example/",
    "mailto:a@b.example",
    "intent://scan/#Intent;end",
    "view-source:https://agent.example/",
    "httpx://agent.example/",
    "https+app://agent.example/",
    "cursor://user@host/cb",
    "cursor:",
    "1cursor://x/cb",
    "microsoft-edge:https://evil.example/cb",
    "microsoft-edge://evil.example/cb",
    "x-safari-https://evil.example/cb",
    "x-safari-anything://evil.example/cb",
    "googlechrome://evil.example/cb",
    "googlechromes://evil.example/cb",
    "firefox://open-url?url=evil.example",
    "firefox-focus://open-url?url=evil.example",
    "touch-http://evil.example/cb",
    "x-http+app://evil.example/cb",
    "chrome-extension://abcdefgh/cb",
    "moz-extension://abcdefgh/cb",
    "ms-msdt:/id",
    "ms-anything:cb",
    "search-ms:query=x",
    "smb://evil.example/share",
    "ssh://evil.example/",
    "tg://msg_url",
    "whatsapp://send?text=",
    "unheard-of:https://evil.example/cb",
    "unheard-of://open?url=HTTP://evil.example/cb",
    "unheard-of://open?url=https%3A%2F%2Fevil.example",
    "unheard-of://open?url=%68ttps:%2F%2Fevil.example",
)


@pytest.mark.parametrize("uri", USABLE)
def test_what_leads_to_a_web_page_or_to_an_app_of_the_persons_may_be_used(uri: str) -> None:
    assert is_usable(uri)
    assert is_same_redirect(uri, uri)


@pytest.mark.parametrize("uri", UNUSABLE, ids=lambda uri: uri[:40])
def test_what_leads_elsewhere_or_hides_where_may_not(uri: str) -> None:
    assert not is_usable(uri)


@pytest.mark.parametrize(
    ("registered", "asked", "same"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:4711/cb", True),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:4711/cb", True),
        ("http://[::1]:1/cb", "http://[::1]:2/cb", True),
        ("http://localhost/cb?a=b", "http://localhost:9/cb?a=b", True),
        ("http://127.0.0.1/cb", "http://localhost/cb", False),
        ("http://127.0.0.1/cb", "http://[::1]/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1/cb/", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1/cb?a=b", False),
        ("http://127.0.0.1/", "http://127.0.0.1", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1/cb", False),
        ("https://agent.example/cb", "https://agent.example:443/cb", False),
        ("https://agent.example/cb", "https://AGENT.example/cb", False),
        ("https://agent.example/a/b", "https://agent.example/a%2fb", False),
        ("https://localhost:1/cb", "https://localhost:2/cb", False),
        ("cursor://a:1/cb", "cursor://a:2/cb", False),
    ],
)
def test_only_the_port_of_an_app_on_this_device_may_differ(registered: str, asked: str, *, same: bool) -> None:
    assert is_usable(registered)
    assert is_same_redirect(registered, asked) is same


PARTS = (
    ("http://", "https://", "HTTP://", "app://", "javascript:", "http:/", "https:"),
    (
        "127.0.0.1 [::1] localhost LocalHost 127.1 agent.example AGENT.example xn--bcher-kva.example bücher.example "
        "user@agent.example 127.0.0.1@evil.example [::ffff:127.0.0.1] evil.example\\.agent.example agent.example. "
    ).split(" "),
    ("", ":", ":0", ":80", ":4711", ":65535", ":65536", ":4711x", ":-1"),
    ("", "/", "/cb", "/CB", "/%63b", "/c%2fb", "/../cb", "/cb/", "//evil.example", "/c\\b", "/cb;x"),
    ("", "?", "?a=b", "?a=B", "#", "#x", "?a=b#x", "\n", " "),
)
uris = st.tuples(*map(st.sampled_from, PARTS)).map("".join)
# One in fifteen: too few to be left over by a filter.
usable_uris = st.deferred(lambda: st.sampled_from([*filter(is_usable, map("".join, itertools.product(*PARTS)))]))


@settings(deadline=None, max_examples=often(400))
@given(uris, uris)
@example("http://127.0.0.1/cb", "http://127.0.0.1:4711/cb")
@example("http://127.0.0.1:4711/cb", "http://127.0.0.1@evil.example/cb")
def test_the_matcher_says_what_a_slow_one_says(registered: str, asked: str) -> None:
    ours = is_usable(registered) and is_usable(asked) and is_same_redirect(registered, asked)
    assert ours is (_slow_usable(registered) and _slow_usable(asked) and _slow_same(registered, asked))


@given(usable_uris)
def test_without_a_port_nothing_but_the_port_is_gone(uri: str) -> None:
    cut = without_port(uri)
    assert is_usable(cut)
    assert urlsplit(cut)._replace(netloc="") == urlsplit(uri)._replace(netloc="")
    assert urlsplit(cut).hostname == urlsplit(uri).hostname


def _slow_usable(uri: str) -> bool:
    """By the standard library's parser, one sentence of the rules after the other."""
    scheme, _, rest = uri.partition(":")
    netloc = rest[2:].split("/")[0].split("?")[0] if rest.startswith("//") else ""
    try:
        port = urlsplit(uri).port
    except ValueError:
        return scheme == "app" and "@" not in netloc and _is_plain(uri)
    host = netloc.rsplit(":", 1)[0] if port is not None else netloc
    rules = {
        "printable ASCII of a URI": _is_plain(uri),
        "a scheme in small letters that runs nothing": scheme in {"http", "https", "app"},
        "something after it": bool(rest),
        "nobody's name": "@" not in netloc,
        "a whole host": scheme == "app" or (_is_host(host) and not netloc.endswith(":")),
        "plain http to this device only": scheme != "http" or host in {"127.0.0.1", "[::1]", "localhost"},
    }
    return all(rules.values())


def _is_plain(uri: str) -> bool:
    return uri.isascii() and uri.isprintable() and not set(uri) & set(' "<>\\^`{|}#*')


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return host.endswith("]") and ipaddress.ip_address(host[1:-1]).version == 6
    return bool(host) and not host.endswith(".")


def _slow_same(registered: str, asked: str) -> bool:
    if registered == asked:
        return True
    one, two = urlsplit(registered), urlsplit(asked)
    if one.scheme != "http" or two.scheme != "http" or one.hostname != two.hostname:
        return False
    return registered.split(one.netloc, 1)[1] == asked.split(two.netloc, 1)[1]
