"""An authorization server over a real record, with one registered client."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.fernet import Fernet

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES
from storefront_mcp.access.credentials import Secret
from storefront_mcp.database import Database, FieldEncryption
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.oauth.buyer_sign_in import BuyerSignIn
from storefront_mcp.oauth.client_registry import ClientRegistry
from storefront_mcp.oauth.clients import OAuthClient, register_client
from storefront_mcp.oauth.server import AuthorizationServer
from storefront_mcp.oauth.sign_in_steps import SignInContext
from storefront_mcp.oauth.sign_in_views import ReturnAddress
from storefront_mcp.oauth.token_requests import FormParameters
from storefront_mcp.records.oauth import AuthorizationRequest
from tests.fakes.memory_backend import NOW, STORE
from tests.fakes.memory_oauth import MemoryLogin
from tests.unit.oauth.signing_in import filled

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "http://127.0.0.1:4711/callback"
PROVEN = OAuthClient(
    id="shop-partner",
    kind="fixed",
    name="Partner",
    redirect_uris=("https://partner.example/cb",),
    secret=Secret("planted+secret/of=32:characters!!"),
)
FIXED = OAuthClient(id="ucp-agent", kind="fixed", name="UCP", redirect_uris=("https://ucp.example/cb",))
ENCRYPTION = FieldEncryption([Fernet.generate_key().decode()])
KEY = b"k" * 32


class AuthorizationWorld:
    """One store's authorization server; `now` is its clock, `offered` the buyer scopes of open tools."""

    def __init__(self, database: Database) -> None:
        self.now = NOW.timestamp()
        self.offered: tuple[str, ...] = BUYER_SCOPE_NAMES
        self.login = MemoryLogin()
        self.repository = SqlOAuthRepository(database, ENCRYPTION)
        self.registry = ClientRegistry(STORE, self.repository, key=KEY, fixed=[FIXED, PROVEN])
        self.server = AuthorizationServer(
            STORE, self.repository, self.registry, key=KEY, offered=lambda: self.offered, now=lambda: self.now
        )
        self.client_id: str = self.register(redirect_uris=[REDIRECT], client_name="Codex")["client_id"]

    def register(self, **metadata: Any) -> dict[str, Any]:
        """Register a client."""
        return register_client(STORE.id, json.dumps(metadata).encode(), KEY, now=self.now)

    async def authorize(self, **changes: Any) -> AuthorizationRequest | ReturnAddress:
        """An authorization request; None leaves a parameter out."""
        return await self.server.authorization_request(self.query(**changes).encode())

    def query(self, **changes: Any) -> str:
        """The query of a good authorization request, with changes."""
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "state": "s-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "scope": "orders:read checkout",
            "resource": STORE.endpoint,
            **changes,
        }
        return urlencode({name: value for name, value in parameters.items() if value is not None})

    async def code(self, **changes: Any) -> str:
        """The code that a person's permission gave."""
        request = await self.authorize(**changes)
        assert isinstance(request, AuthorizationRequest)
        context = SignInContext(
            store=STORE,
            login=self.login,
            records=self.repository,
            subject_of=self.server.subject,
            mailbox_of=self.server.mailbox,
            new_code=self.server.new_code,
            grant_seconds=self.server.lifetimes.grant,
            now=lambda: self.now,
        )
        sign_in = BuyerSignIn(context, self.login)
        answer = await sign_in.sign_in(filled(await sign_in.open(request)))
        assert isinstance(answer, ReturnAddress)
        fields = parse_qs(urlsplit(answer.address).query)
        assert fields["iss"] == [STORE.origin]
        return fields["code"][0]

    async def redeem(self, code: str, **changes: str | None) -> dict[str, Any]:
        """The token response for a code."""
        return await self.token(
            grant_type="authorization_code", code=code, code_verifier=VERIFIER, redirect_uri=REDIRECT, **changes
        )

    async def refresh(self, token: str, **changes: str | None) -> dict[str, Any]:
        """The token response for a refresh token."""
        return await self.token(grant_type="refresh_token", refresh_token=token, **changes)

    async def token(self, **fields: str | None) -> dict[str, Any]:
        """A token response; `client_id` is the registered client's unless it is said."""
        sent = {"client_id": self.client_id, **fields}
        form = FormParameters({name: value for name, value in sent.items() if value is not None})
        answer: dict[str, Any] = json.loads(await self.server.token(form))
        return answer
