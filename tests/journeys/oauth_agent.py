"""An OAuth client with the browser of its person, and a store at which people sign in."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from cryptography.fernet import Fernet

from tests.journeys.conftest import SELLING, OpenStore, open_store
from tests.unit.oauth.authorizing import CHALLENGE, VERIFIER

REDIRECT = "http://127.0.0.1:4711/callback"
EMAIL, PASSWORD = "ada@pickle.example", "dill-and-garlic"
HANDLE = re.compile(r'name="request" value="([^"]+)"')


class OAuthAgent:
    """An OAuth client and the browser of its person, at one shop."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.http = httpx.Client(base_url=origin, timeout=120)
        self.browser = httpx.Client(base_url=origin, timeout=120)

    def call(self, tool: str, token: str | None = None, path: str = "/mcp", **arguments: Any) -> httpx.Response:
        """A tool call, as a guest or with a token."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        message["params"] = {"name": tool, "arguments": arguments}
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return self.http.post(path, json=message, headers=headers)

    def discover(self, refused: httpx.Response) -> dict[str, Any]:
        """The authorization server, by a 401 and the documents that it leads to."""
        challenge = refused.headers["www-authenticate"]
        (metadata,) = re.findall(r'resource_metadata="([^"]+)"', challenge)
        resource = self.http.get(metadata).json()
        (scope,) = re.findall(r'scope="([^"]+)"', challenge)
        assert scope.split() == resource["scopes_supported"]
        (issuer,) = resource["authorization_servers"]
        server: dict[str, Any] = self.http.get(f"{issuer}/.well-known/oauth-authorization-server").json()
        assert server["issuer"] == issuer
        return server | {"resource": resource["resource"], "scope": scope}

    def sign_in(self, server: dict[str, Any], **changes: str) -> dict[str, Any]:
        """Register, have the person sign in and allow all, and redeem the code."""
        client = self.http.post(server["registration_endpoint"], json={"redirect_uris": [REDIRECT]}).json()
        query = {
            "response_type": "code",
            "client_id": client["client_id"],
            "redirect_uri": REDIRECT,
            "state": "s-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "scope": server["scope"],
            "resource": server["resource"],
        }
        page = self.browser.get(f"{server['authorization_endpoint']}?{urlencode(query)}")
        assert page.status_code == 200, page.text
        (handle, *_) = HANDLE.findall(page.text)
        form = {"request": handle, "email": EMAIL, "password": PASSWORD, "scope": server["scope"].split(), **changes}
        answer = self.browser.post("/oauth/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        fields = parse_qs(urlsplit(answer.headers["location"]).query)
        assert (fields["state"], fields["iss"]) == (["s-1"], [server["issuer"]])
        token = self.http.post(
            server["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "code": fields["code"][0],
                "code_verifier": VERIFIER,
                "redirect_uri": REDIRECT,
                "client_id": client["client_id"],
                "resource": server["resource"],
            },
        )
        assert token.status_code == 200, token.text
        return {**token.json(), "client_id": client["client_id"]}


@contextlib.contextmanager
def account_store(kind: str, state: Path, **changes: Any) -> Iterator[OpenStore]:
    """A store over a shop of this kind with every phase open, at which the shop's customers sign in.

    `changes` are fields of its settings.
    """
    key = Fernet.generate_key().decode()
    with open_store(kind, state, phases={**SELLING, "p4_account": "active"}, key=key, **changes) as store:
        yield store
