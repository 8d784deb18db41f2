"""The suite's scenarios of authorization: both for servers pass, and whatever else it calls so tests clients."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from cryptography.fernet import Fernet

from storefront_mcp.app import create_app
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.settings.demo import demo_settings
from tests.external.conformance.suite import Suite
from tests.fakes.person import Person
from tests.journeys.conftest import flip, unhurried
from tests.serving import free_port, served

pytestmark = pytest.mark.conformance

SCENARIOS = {"authorization-server-metadata-endpoint", "authorization-code-grant"}
CHECKS = {
    "authorization-server-metadata": "SUCCESS",
    "authorization-server-metadata-cimd": "SUCCESS",
    "authorization-code-grant": "SUCCESS",
}
REGISTERS = "whether a client registers, or introduces itself, as the server that the suite plays offers it"
FINDS = "whether a client finds the authorization server by the documents that the suite serves"
ASKS = "whether a client asks for the scopes that the suite's server names"
PROVES = "whether a client proves itself at the suite's token endpoint"
COMPARES = "whether a client compares issuer, iss and resource with what the suite's server says"
EXCUSED = {
    "auth/metadata-default": FINDS,
    "auth/metadata-var1": FINDS,
    "auth/metadata-var2": FINDS,
    "auth/metadata-var3": FINDS,
    "auth/2025-03-26-oauth-metadata-backcompat": FINDS,
    "auth/2025-03-26-oauth-endpoint-fallback": FINDS,
    "auth/authorization-server-migration": FINDS,
    "auth/basic-cimd": REGISTERS,
    "auth/pre-registration": REGISTERS,
    "auth/scope-from-www-authenticate": ASKS,
    "auth/scope-from-scopes-supported": ASKS,
    "auth/scope-omitted-when-undefined": ASKS,
    "auth/scope-step-up": ASKS,
    "auth/scope-retry-limit": ASKS,
    "auth/offline-access-scope": ASKS,
    "auth/offline-access-not-supported": ASKS,
    "auth/token-endpoint-auth-basic": PROVES,
    "auth/token-endpoint-auth-post": PROVES,
    "auth/token-endpoint-auth-none": PROVES,
    "auth/client-credentials-jwt": PROVES,
    "auth/client-credentials-basic": PROVES,
    "auth/enterprise-managed-authorization": PROVES,
    "auth/dpop": PROVES,
    "auth/dpop-nonce": PROVES,
    "auth/wif-jwt-bearer": PROVES,
    "auth/resource-mismatch": COMPARES,
    "auth/iss-supported": COMPARES,
    "auth/iss-not-advertised": COMPARES,
    "auth/iss-supported-missing": COMPARES,
    "auth/iss-wrong-issuer": COMPARES,
    "auth/iss-unexpected": COMPARES,
    "auth/iss-normalized": COMPARES,
    "auth/metadata-issuer-mismatch": COMPARES,
}
"""Scenarios in which the suite plays the server, so that nothing of ours is asked, and what each finds out."""


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a demo whose customers can sign in."""
    port = free_port()
    state = tmp_path_factory.mktemp("authorization")
    settings = unhurried(demo_settings(port, state=state, key=Fernet.generate_key().decode()))
    flip(settings, dict.fromkeys(("p1_browse", "p2_cart", "p3_checkout", "p4_account"), "active"))
    with served(create_app(settings), port) as origin:
        yield origin


def sign_in(address: str) -> None:
    """Let the suite in as the demo's first customer, and lead the browser back to it."""

    async def at_the_browser() -> None:
        async with Person(PICKLERS[0].email, PICKLERS[0].password) as person:
            led_to = await person.allow(address)
            await person.browser.get(led_to)

    asyncio.run(at_the_browser())


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"])
def test_the_authorization_server_passes_every_scenario_without_a_warning(
    suite: Suite, issuer: str, version: str
) -> None:
    port = free_port()
    callback = f"http://127.0.0.1:{port}/callback"
    client = httpx.post(f"{issuer}/oauth/register", json={"redirect_uris": [callback]}, timeout=60).json()
    run = suite.authorize(issuer, version, client=client["client_id"], port=port, sign_in=sign_in)

    assert (run.code, run.failed) == (0, 0), run.output
    assert {check.scenario for check in run.checks} == SCENARIOS
    expected = CHECKS if version >= "2025-11-25" else {name: CHECKS[name] for name in CHECKS if "cimd" not in name}
    assert {check.id: check.status for check in run.checks} == expected, run.output


def test_every_other_scenario_of_authorization_plays_the_server_itself(suite: Suite) -> None:
    assert set(suite.listed("--authorization")) == SCENARIOS
    assert {name for name in suite.listed("--client") if name.startswith("auth/")} == set(EXCUSED)
    assert [name for name in suite.listed("--server") if "auth" in name] == []
