"""An OpenID provider that is strict with its clients, and as odd as one can be: each oddity is a switch."""

import asyncio
import base64
import hashlib
import hmac
import html
import secrets
import time
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import jwt
import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.enums import ScopeType
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from msgspec import Struct

from tests.unit.identity.issuer import OTHER, SHARED, public_jwk, public_pem

CLIENT_ID, CLIENT_SECRET = "pickle store", "s3cret:of/the store"
SEAT = "provider-seat"
Request_ = Request[Any, Any, Any]


class Oddities(Struct, kw_only=True):
    """What a provider may do that it should not, or that it need not."""

    claims: dict[str, Any] = {}
    """Claims of ID tokens in the place of the right ones; None leaves one out."""
    signed_by: Literal["own", "none", "shared", "stranger"] = "own"
    """shared: HS256 with the public key for a secret. stranger: a key that is not in its JWKS, under a known id."""
    typ: str = "JWT"
    sender: str | None = None
    """`iss` of answers of the authorization endpoint; None for its own."""
    names_itself: bool = True
    metadata: dict[str, Any] = {}
    """Members of the metadata in the place of the right ones; None leaves one out."""
    error: str = ""
    """With which each authorization request is answered."""
    token_answer: dict[str, Any] = {}
    """Members of token answers in the place of the right ones; None leaves one out."""
    down: tuple[str, ...] = ()
    """Paths that answer 500."""
    moved: tuple[str, ...] = ()
    """Paths that answer with a redirect to themselves elsewhere."""
    silent: tuple[str, ...] = ()
    """Paths that never answer."""
    huge: tuple[str, ...] = ()
    """Paths whose answer is a megabyte longer."""
    token_error: tuple[int, str] | None = None
    """Status and error with which each token request is answered."""
    rotates: bool = True
    """Whether a refresh token counts once."""
    refresh_tokens: bool = True
    lifetime: int | None = 3600


class IssuedCode(Struct, kw_only=True):
    """A code, and what it was issued for."""

    email: str
    redirect_uri: str
    challenge: str
    nonce: str


class OpenIdProviderApp:
    """An ASGI application, below the issuer's path; who has no session there is shown a form first."""

    def __init__(self, issuer: str, redirect_uris: tuple[str, ...]) -> None:
        self.issuer = issuer
        self.redirect_uris = redirect_uris
        self.odd = Oddities()
        self.key = SHARED
        self.codes: dict[str, IssuedCode] = {}
        self.seats: dict[str, str] = {}
        self.bearers: dict[str, tuple[str, float]] = {}
        """By access token: whose, and until when."""
        self.refreshes: dict[str, str] = {}
        self.asked: list[str] = []
        self.refused: list[str] = []
        """Why clients were refused."""
        self.clock = time.time
        self._app = Litestar(
            [self._discovery(), self._authorize(), self._seat(), self._token(), self._keys()],
            openapi_config=None,
            logging_config=None,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail as planned."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(urlsplit(self.issuer).path)
        scope["path"], scope["raw_path"] = path, path.encode()
        self.asked.append(path)
        if path in self.odd.silent:
            await asyncio.Event().wait()
        if path in self.odd.down:
            await ASGIResponse(body=b"oh no", status_code=500)(scope, receive, send)
        elif path in self.odd.moved:
            moved = {"location": f"{self.issuer}/elsewhere{path}"}
            await ASGIResponse(status_code=302, headers=moved)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def bearer(self, token: str) -> str | None:
        """Whose live access token it is, as a shop is told that takes them."""
        email, until = self.bearers.get(token, ("", 0.0))
        return email if self.clock() < until else None

    def metadata(self) -> dict[str, Any]:
        """What the provider publishes of itself."""
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": self.odd.names_itself,
        } | self.odd.metadata
        return {name: value for name, value in found.items() if value is not None}

    def id_token(self, email: str, nonce: str) -> str:
        """An ID token of a person, by default one that holds."""
        now = int(self.clock())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": f"subject of {email}",
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
        } | self.odd.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        headers = {"kid": "one", "typ": self.odd.typ}
        if self.odd.signed_by == "none":
            return jwt.encode(claims, "", algorithm="none", headers=headers)
        if self.odd.signed_by == "shared":
            return _signed_by_text(claims, headers, public_pem(self.key))
        key = OTHER if self.odd.signed_by == "stranger" else self.key
        return jwt.encode(claims, key, algorithm="RS256", headers=headers)

    def _answer(self, path: str, said: Any, status: int = 200) -> Response[bytes]:
        body = msgspec.json.encode(said) + (b" " * 1_000_000 if path in self.odd.huge else b"")
        return Response(body, status_code=status, media_type="application/json")

    def _refuse(self, why: str, *, status: int = 400, error: str = "invalid_request") -> Response[bytes]:
        self.refused.append(why)
        return self._answer("", {"error": error}, status)

    def _discovery(self) -> Any:
        @get("/.well-known/openid-configuration", sync_to_thread=False)
        def discovery() -> Response[bytes]:
            return self._answer("/.well-known/openid-configuration", self.metadata())

        return discovery

    def _keys(self) -> Any:
        @get("/keys", sync_to_thread=False)
        def keys() -> Response[bytes]:
            return self._answer("/keys", {"keys": [public_jwk(self.key, "one")]})

        return keys

    def _authorize(self) -> Any:
        @get("/authorize", sync_to_thread=False)
        def authorize(request: Request_) -> Response[bytes]:
            query = parse_qs(request.scope["query_string"].decode())
            if any(len(values) != 1 for values in query.values()):
                return self._refuse("a parameter twice")
            said = {name: values[0] for name, values in query.items()}
            if said.get("client_id") != CLIENT_ID or said.get("redirect_uri") not in self.redirect_uris:
                return self._refuse("an unknown client, or a redirect URI that is not its own")
            wanted = ("state", "nonce", "code_challenge")
            if any(not said.get(name) for name in wanted) or said.get("code_challenge_method") != "S256":
                return self._refuse("no state, nonce or challenge")
            if said.get("response_type") != "code" or "openid" not in said.get("scope", "").split():
                return self._refuse("no code flow of OpenID Connect")
            seat = self.seats.get(request.cookies.get(SEAT, ""))
            if seat is None and not self.odd.error:
                return self._form(said)
            return self._lead_back(said, seat or "")

        return authorize

    def _form(self, said: dict[str, str]) -> Response[bytes]:
        fields = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in said.items()
        )
        page = f'<form method="post" action="/seat">{fields}<input name="email" value=""></form>'
        return Response(page.encode(), media_type="text/html")

    def _seat(self) -> Any:
        @post("/seat")
        async def seat(request: Request_) -> Response[bytes]:
            said = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
            email, cookie = said.pop("email"), secrets.token_urlsafe(16)
            if said.get("redirect_uri") not in self.redirect_uris:
                return self._refuse("a redirect URI that is not the client's")
            self.seats[cookie] = email
            return self._lead_back(said, email, f"{SEAT}={cookie}; Path=/; HttpOnly; SameSite=Lax")

        return seat

    def _lead_back(self, said: dict[str, str], email: str, cookie: str = "") -> Response[bytes]:
        sender = self.issuer if self.odd.sender is None else self.odd.sender
        answer = {"state": said["state"], **({"iss": sender} if sender and self.odd.names_itself else {})}
        if self.odd.error:
            answer["error"] = self.odd.error
        else:
            code = answer["code"] = secrets.token_urlsafe(16)
            self.codes[code] = IssuedCode(
                email=email,
                redirect_uri=said["redirect_uri"],
                challenge=said["code_challenge"],
                nonce=said["nonce"],
            )
        headers = {"location": f"{said['redirect_uri']}?{urlencode(answer)}"}
        if cookie:
            headers["set-cookie"] = cookie
        return Response(b"", status_code=HTTPStatus.SEE_OTHER, headers=headers)

    def _token(self) -> Any:
        @post("/token")
        async def token(request: Request_) -> Response[bytes]:
            form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
            if self.odd.token_error is not None:
                return self._refuse("as planned", status=self.odd.token_error[0], error=self.odd.token_error[1])
            if not self._is_client(request.headers.get("authorization", ""), form):
                return self._refuse("wrong client credentials", status=401, error="invalid_client")
            if form.get("grant_type") == "refresh_token":
                return self._refreshed(form.get("refresh_token", ""))
            return self._redeemed(form)

        return token

    def _is_client(self, header: str, form: dict[str, str]) -> bool:
        if "client_secret" in form:
            return (form.get("client_id"), form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        name, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        return (unquote_plus(name), unquote_plus(secret)) == (CLIENT_ID, CLIENT_SECRET)

    def _redeemed(self, form: dict[str, str]) -> Response[bytes]:
        issued = self.codes.pop(form.get("code", ""), None)
        if issued is None:
            return self._refuse("an unknown code", error="invalid_grant")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != issued.challenge:
            return self._refuse("a wrong verifier", error="invalid_grant")
        if form.get("redirect_uri") != issued.redirect_uri:
            return self._refuse("another redirect URI", error="invalid_grant")
        return self._tokens(issued.email, issued.nonce)

    def _refreshed(self, refresh: str) -> Response[bytes]:
        email = self.refreshes.pop(refresh, None) if self.odd.rotates else self.refreshes.get(refresh)
        return self._refuse("an unknown refresh token", error="invalid_grant") if email is None else self._tokens(email)

    def _tokens(self, email: str, nonce: str = "") -> Response[bytes]:
        access = f"at-{secrets.token_urlsafe(24)}"
        self.bearers[access] = (email, self.clock() + (self.odd.lifetime or 3600))
        answer: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": self.odd.lifetime}
        answer["id_token"] = self.id_token(email, nonce)
        if self.odd.refresh_tokens:
            refresh = answer["refresh_token"] = f"rt-{secrets.token_urlsafe(24)}"
            self.refreshes[refresh] = email
        answer |= self.odd.token_answer
        return self._answer("/token", {name: value for name, value in answer.items() if value is not None})


def _signed_by_text(claims: dict[str, Any], headers: dict[str, str], secret: bytes) -> str:
    """HS256 by hand: the library refuses to sign with a public key for a secret."""
    parts = [msgspec.json.encode({"alg": "HS256", **headers}), msgspec.json.encode(claims)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mark = base64.urlsafe_b64encode(hmac.new(secret, text, hashlib.sha256).digest()).rstrip(b"=")
    return (text + b"." + mark).decode()
