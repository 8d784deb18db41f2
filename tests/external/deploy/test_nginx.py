"""What only one layout, or only an nginx set up so, can show."""

import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.settings import demo_settings
from storefront_mcp.settings.limits import LimitSettings
from tests.external.deploy.conftest import ALL_OPEN, AS_SERVED, behind
from tests.external.deploy.files import changed, uncommented
from tests.external.deploy.proxies import HSTS, LAYOUTS, PROXIES, Layout, fronted, nginx
from tests.journeys.conftest import flip
from tests.serving import free_port, served

pytestmark = pytest.mark.slow

CARD = "/.well-known/mcp/server-card.json"


@pytest.fixture
def direct() -> int:
    """The server's own port."""
    return free_port()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("proxy", PROXIES)
def test_a_store_on_https_says_so_once(proxy: str, layout: Layout, tmp_path: Path, direct: int) -> None:
    """Also where the shop says it of its own pages: a header that is there twice is no header."""
    settings = demo_settings(443, state=tmp_path)
    (store,) = settings.stores
    store = replace(store, origin="https://pickle.example", hosts=())
    port = free_port()
    with (
        served(create_app(replace(settings, stores=(store,))), direct, **AS_SERVED),
        fronted(proxy, layout, port=port, upstream=direct, name="pickle.example") as front,
        httpx.Client(base_url=front.origin, headers={"host": "pickle.example"}) as client,
    ):
        for path in (CARD, "/pay/nobody", "/mcp/docs"):
            answer = client.get(path)
            assert answer.headers.get_list("strict-transport-security") == [HSTS], path
            assert answer.headers.get_list("x-frame-options") == ["DENY"], path
        assert client.get(CARD).json()["endpoint"] == "https://pickle.example/mcp"
        if layout == "same-origin":
            assert client.get("/").headers.get_list("strict-transport-security") == [HSTS]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("proxy", PROXIES)
def test_limits_count_the_client_and_not_the_proxy(proxy: str, layout: Layout, tmp_path: Path, direct: int) -> None:
    port = free_port()
    settings = behind(port, tmp_path, direct=direct, limits=LimitSettings(address="3/h burst 3"))
    flip(settings, ALL_OPEN)
    settings = replace(settings, trusted_proxies=("127.0.0.1/32",))
    with (
        served(create_app(settings), direct, **AS_SERVED),
        fronted(proxy, layout, port=port, upstream=direct) as front,
    ):
        assert [asked_from("127.0.0.5", front.origin) for _ in range(4)] == [200, 200, 200, 429]
        assert asked_from("127.0.0.6", front.origin) == 200
        # What a client says of itself changes nothing.
        lied = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9", "x-real-ip": "203.0.113.9"}
        assert asked_from("127.0.0.5", front.origin, **lied) == 429


def asked_from(address: str, origin: str, **headers: str) -> int:
    """The status of a call from a client of that address."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    with httpx.Client(transport=httpx.HTTPTransport(local_address=address)) as client:
        accept = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
        return client.post(f"{origin}/mcp", json=message, headers={**accept, **headers}).status_code


def cached(name: str) -> Callable[[str], str]:
    """A file with the lines of the cache switched on."""

    def change(text: str) -> str:
        text = uncommented(text, "proxy_cache")
        return changed(text, {"/var/cache/nginx/storefront": "cache"}) if name == "storefront-upstream.conf" else text

    return change


@pytest.mark.parametrize("layout", LAYOUTS)
def test_with_the_cache_documents_outlive_the_server_and_nothing_private_is_kept(
    layout: Layout, tmp_path: Path, direct: int
) -> None:
    port = free_port()
    settings = behind(port, tmp_path, direct=direct)
    flip(settings, ALL_OPEN)
    change = {name: cached(name) for name in ("storefront-upstream.conf", "storefront-document.conf")}
    zipped = {"accept-encoding": "gzip"}
    plainly = {"accept-encoding": "identity"}
    with (
        nginx(layout, port=port, upstream=direct, change=change) as front,
        httpx.Client(base_url=front.origin, headers=plainly) as client,
    ):
        with served(create_app(settings), direct, **AS_SERVED):
            # Whoever waited for nginx to start may have been first with the health.
            plain, packed = client.get(CARD), client.get(CARD, headers=zipped)
            assert "content-encoding" not in plain.headers
            assert packed.headers["content-encoding"] == "gzip"
            assert client.get("/pay/nobody").status_code == 404
            assert client.get("/mcp/docs").status_code == 200
        for before, headers in ((plain, {}), (packed, zipped)):
            after = client.get(CARD, headers=headers)
            assert (after.status_code, after.content) == (200, before.content)
            for name in ("etag", "vary", "cache-control", "access-control-allow-origin"):
                assert after.headers[name] == before.headers[name]
            tag = before.headers["etag"]
            assert client.get(CARD, headers={**headers, "if-none-match": tag}).status_code == 304
        for path in ("/pay/nobody", "/mcp/docs", "/mcp/token"):
            assert client.get(path).status_code == 502, path


def test_a_refused_document_is_not_kept(tmp_path: Path, direct: int) -> None:
    port = free_port()
    settings = behind(port, tmp_path, direct=direct)
    change = {name: cached(name) for name in ("storefront-upstream.conf", "storefront-document.conf")}
    with (
        nginx("subdomain", port=port, upstream=direct, change=change) as front,
        httpx.Client(base_url=front.origin) as client,
    ):
        with served(create_app(settings), direct, **AS_SERVED):
            assert client.get("/.well-known/oauth-protected-resource").status_code == 404
            assert client.post("/mcp", json={}).status_code == 503
        assert client.get("/.well-known/oauth-protected-resource").status_code == 502


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """A certificate for pickle.example and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pickle.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("pickle.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(serialization.Encoding.PEM).decode(), key.private_bytes(*plain).decode()


def test_the_lines_for_tls_are_right(certificate: tuple[str, str], tmp_path: Path, direct: int) -> None:
    port = free_port()
    files = dict(zip(("fullchain.pem", "key.pem"), certificate, strict=True))
    settings = demo_settings(443, state=tmp_path)
    (store,) = settings.stores
    store = replace(store, origin="https://pickle.example", hosts=(f"pickle.example:{port}",))

    def secured(text: str) -> str:
        text = uncommented(uncommented(text, "listen 443"), "ssl_")
        swaps = {"listen 443 ssl": f"listen 127.0.0.1:{port} ssl", "listen [::]:443 ssl http2;": ""}
        return changed(text, {**swaps, "/etc/ssl/pickle.example/": ""})

    with (
        served(create_app(replace(settings, stores=(store,))), direct, **AS_SERVED),
        nginx(
            "subdomain",
            port=free_port(),
            upstream=direct,
            name="pickle.example",
            change={"storefront-subdomain.conf": secured},
            beside=files,
        ),
    ):
        context = ssl.create_default_context(cadata=certificate[0])
        with httpx.Client(verify=context) as client:
            answer = client.get(
                f"https://127.0.0.1:{port}{CARD}",
                headers={"host": f"pickle.example:{port}"},
                extensions={"sni_hostname": "pickle.example"},
            )
    assert answer.status_code == 200
    assert answer.headers.get_list("strict-transport-security") == [HSTS]
