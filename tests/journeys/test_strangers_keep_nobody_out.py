"""Strangers try to be a customer until their tries are used up; the customer signs in from home all the same."""

import re
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from storefront_mcp.settings.limits import LimitSettings
from tests.journeys.oauth_agent import EMAIL, HANDLE, PASSWORD, REDIRECT, OAuthAgent, account_store
from tests.journeys.shops import EMBEDDED
from tests.unit.oauth.authorizing import CHALLENGE

pytestmark = pytest.mark.slow


def attempt(agent: OAuthAgent, client: str, network: str, password: str) -> httpx.Response:
    """What somebody at an address gets for a password."""
    asked = {"response_type": "code", "client_id": client, "redirect_uri": REDIRECT}
    asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    seen_as = {"x-forwarded-for": network}
    with httpx.Client(base_url=agent.origin, timeout=120, headers=seen_as) as browser:
        page = browser.get(f"/oauth/authorize?{urlencode(asked)}")
        (handle, *_) = HANDLE.findall(page.text)
        scopes = re.findall(r'name="scope" value="([^"]+)"', page.text)
        form = {"request": handle, "email": EMAIL, "password": password, "scope": scopes}
        return browser.post("/oauth/sign-in", data=form)


def test_who_has_signed_in_from_home_does_so_again_whatever_strangers_try(tmp_path: Path) -> None:
    off = dict.fromkeys(LimitSettings.__struct_fields__, "off")
    limits = LimitSettings(**off | {"mailbox": "2/h burst 1"})
    with account_store(EMBEDDED, tmp_path, limits=limits) as store:
        agent = OAuthAgent(store.origin)
        client = agent.http.post("/oauth/register", json={"redirect_uris": [REDIRECT]}).json()["client_id"]
        home, stranger, another = "198.51.100.7", "203.0.113.9", "192.0.2.4"

        assert attempt(agent, client, home, PASSWORD).status_code == 303
        assert [attempt(agent, client, stranger, "guess").status_code for _ in range(3)] == [403, 403, 429]
        assert attempt(agent, client, another, "guess").status_code == 429
        assert attempt(agent, client, home, PASSWORD).status_code == 303
        agent.http.close()
        agent.browser.close()
