"""A platform is known by the profile that it publishes: what it may ask, how often, and that answers are signed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.message_signatures.digests import content_digest
from storefront_mcp.message_signatures.keys import ALGORITHMS, read_keys
from storefront_mcp.message_signatures.message import SignedAnswer
from storefront_mcp.settings.agent_protocols import UcpSettings
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.limits import LimitSettings
from storefront_mcp.settings.schema import SignatureSettings
from tests.journeys.conftest import flip
from tests.serving import free_port, served
from tests.unit.message_signatures.signing import PLATFORM_KEY, private_jwk, public_jwk, signed_headers

SEARCH = {"query": "tee"}
SEARCH_CAPABILITY = "dev.ucp.shopping.catalog.search"


class ProfileHost:
    """Serves profiles, and counts who asked for them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.profiles: dict[str, Any] = {
            "/good.json": self.profile("2026-08-25", {SEARCH_CAPABILITY: [{"version": "2026-08-25"}]}),
            "/bare.json": self.profile("2026-08-25", {}),
            "/older.json": self.profile("2026-01-11", {}),
            "/other.json": self.profile("2026-08-25", {"com.example.rockets": [{"version": "2026-08-25"}]}),
            "/list.json": [],
        }

    def profile(self, version: str, capabilities: Any) -> Any:
        return {"ucp": {"version": version, "capabilities": capabilities}, "keys": [public_jwk(PLATFORM_KEY)]}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        path = scope["path"]
        self.asked.append(path)
        headers = [(b"content-type", b"application/json")]
        if path == "/redirect.json":
            headers.append((b"location", b"/good.json"))
        status = 302 if path == "/redirect.json" else 200 if path in self.profiles else 404
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(self.profiles.get(path)).encode()})


class ProfiledShop:
    """A demo that reads profiles, and the host of the profiles."""

    def __init__(self, origin: str, host: ProfileHost, profiles: str) -> None:
        self.origin = origin
        self.host = host
        self.profiles = profiles
        self._client = httpx.Client(base_url=origin, timeout=60, headers={"x-forwarded-for": "203.0.113.9"})

    def search(self, profile: str, **headers: str) -> httpx.Response:
        named = {"ucp-agent": f'profile="{profile}"'}
        return self._client.post("/ucp/catalog/search", json=SEARCH, headers=named | headers)

    def close(self) -> None:
        self._client.close()

    def get(self, path: str) -> httpx.Response:
        return self._client.get(path)

    def post_signed(self, profile: str) -> httpx.Response:
        body = json.dumps(SEARCH).encode()
        fields = {
            "ucp-agent": f'profile="{profile}"',
            "content-type": "application/json",
            "content-digest": content_digest(body),
        }
        headers = signed_headers(
            url=f"{self.origin}/ucp/catalog/search",
            body=body,
            covered=("@method", "@authority", "@path", *fields),
            created=None,
            headers=fields,
        )
        return self._client.post("/ucp/catalog/search", content=body, headers=headers)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfiledShop]:
    state: Path = tmp_path_factory.mktemp("profiles")
    port, host_port, host = free_port(), free_port(), ProfileHost()
    with served(host, host_port) as profiles:
        settings = demo_settings(port, state=state)
        ucp = UcpSettings(
            enabled=True,
            platforms=(f"{profiles}/good.json",),
            signing_key=Secret(json.dumps(private_jwk(PLATFORM_KEY, "shop-1"))),
        )
        limits = LimitSettings(guest="8/h burst 8", address="off")
        store = replace(settings.stores[0], ucp=ucp, limits=limits, signatures=SignatureSettings(wider=100.0))
        settings = replace(settings, stores=(store,))
        flip(settings, {"p1_browse": "active"})
        with served(create_app(settings), port) as origin:
            shop = ProfiledShop(origin, host, profiles)
            yield shop
            shop.close()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/older.json", 422, "version_unsupported"),
        ("/list.json", 422, "profile_malformed"),
        ("/nothing.json", 424, "profile_unreachable"),
        ("/redirect.json", 424, "profile_unreachable"),
    ],
)
def test_a_platform_whose_profile_cannot_be_used_is_refused(
    shop: ProfiledShop, path: str, status: int, code: str
) -> None:
    answer = shop.search(shop.profiles + path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert shop.search(shop.profiles + path).json()["code"] == code
    assert shop.host.asked.count(path) == 1


@pytest.mark.parametrize(
    "url", ["http://platform.example/p.json", "https://10.0.0.1/p.json", "https://platform.example"]
)
def test_a_profile_at_no_public_address_is_refused(shop: ProfiledShop, url: str) -> None:
    answer = shop.search(url)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_profile_url")


def test_a_platform_that_shares_nothing_is_told_so_as_an_outcome(shop: ProfiledShop) -> None:
    answer = shop.search(f"{shop.profiles}/other.json")

    assert (answer.status_code, answer.json()["ucp"]["status"]) == (200, "error")
    assert answer.json()["messages"][0]["code"] == "capabilities_incompatible"


def test_a_body_that_is_not_the_digests_is_refused(shop: ProfiledShop) -> None:
    answer = shop.search(f"{shop.profiles}/bare.json", **{"content-digest": content_digest(b"another")})

    assert (answer.status_code, answer.json()["code"]) == (400, "digest_mismatch")


def test_a_listed_platform_that_signs_has_wider_limits_and_gets_signed_answers(shop: ProfiledShop) -> None:
    profile = f"{shop.profiles}/good.json"
    unsigned = [shop.search(profile) for _ in range(9)]
    assert (unsigned[0].status_code, unsigned[-1].status_code) == (200, 429)
    assert list(unsigned[0].json()["ucp"]["capabilities"]) == [SEARCH_CAPABILITY]

    answers = [shop.post_signed(profile) for _ in range(10)]
    assert [answer.status_code for answer in answers] == [200] * 10
    assert shop.search(profile).status_code == 429

    answer = answers[-1]
    keys = read_keys(shop.get("/.well-known/ucp").json()["keys"])
    assert set(keys) == {"shop-1"}
    assert shop.get("/.well-known/ucp/2026-04-08").json()["signing_keys"][0]["kid"] == "shop-1"
    verifier = HTTPMessageVerifier(
        signature_algorithm=ALGORITHMS["EC", "P-256"][1],
        key_resolver=MappingKeyResolver(public_keys={kid: key.key for kid, key in keys.items()}, private_keys={}),
    )
    signed = SignedAnswer(answer.status_code, dict(answer.headers))
    (found,) = verifier.verify(
        signed, require_components=("@status", "content-digest", "content-type"), body=answer.content
    )
    assert found.parameters["keyid"] == "shop-1"
    assert shop.host.asked.count("/good.json") == 1
