"""An OAuth 2 issuer for tests: metadata, keys and introspection over real HTTP, and what a bad one could try."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def rsa_key(size: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, size)


def public_jwk(key: Key, kid: str | None, **more: Any) -> dict[str, Any]:
    """The public half, as an issuer publishes it."""
    algorithm: Any = {
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
        ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
    }
    kind = next(found for wanted, found in algorithm.items() if isinstance(key, wanted))
    shown = json.loads(kind.to_jwk(key.public_key()))
    shown.pop("key_ops", None)
    return shown | ({} if kid is None else {"kid": kid}) | more


def public_pem(key: Key) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class Issuer:
    """Serves on loopback for as long as a test needs it. What it says can be changed at any time."""

    def __init__(self, path: str = "") -> None:
        issuer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.answer(self)

            def do_POST(self) -> None:
                issuer.answer(self)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self.keys: dict[str | None, Key] = {"one": SHARED}
        self.extra: list[Any] = []
        self.asked: list[str] = []
        self.forms: list[dict[str, list[str]]] = []
        self.authorizations: list[str | None] = []
        self.down = False
        self.down_with = 503
        self.redirects_to: str | None = None
        self.padding = 0
        self.drips = False
        self.word: dict[str, Any] = {"active": False}
        self.metadata: dict[str, Any] = {}
        self.openid_only = False
        self._server = _Server(("127.0.0.1", 0), Answering)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.url = self.origin + path
        self.path = path
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def key_sets_asked(self) -> int:
        return self.asked.count("/keys")

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        self.authorizations.append(request.headers["authorization"])
        length = int(request.headers.get("content-length") or 0)
        if length:
            self.forms.append(parse_qs(request.rfile.read(length).decode()))
        if self.redirects_to:
            request.send_response(302)
            request.send_header("location", self.redirects_to + request.path)
            request.end_headers()
            return
        said = None if self.down else self._said(request.path)
        body = b"<p>nothing</p>" if said is None else json.dumps(said).encode() + b" " * self.padding
        request.send_response((self.down_with if self.down else 404) if said is None else 200)
        request.send_header("content-type", "application/json")
        request.send_header("content-length", str(len(body) + (1 if self.drips else 0)))
        request.end_headers()
        request.wfile.write(body)
        if self.drips:
            self._stopped.wait(120)

    def _said(self, path: str) -> Any:
        openid = path == f"{self.path}/.well-known/openid-configuration"
        oauth = path == f"/.well-known/oauth-authorization-server{self.path}"
        if openid or (oauth and not self.openid_only):
            return {"issuer": self.url, "jwks_uri": f"{self.origin}/keys"} | self.metadata
        if path == "/keys":
            return {"keys": [public_jwk(key, kid) for kid, key in self.keys.items()] + self.extra}
        return self.word if path == "/introspect" else None

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": RESOURCE,
            "sub": "customer-7",
            "client_id": "agent-app",
            "iat": now,
            "exp": now + 300,
            "jti": "1",
            "scope": "openid read:orders",
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self,
        *,
        kid: str | None = "one",
        key: Any = None,
        algorithm: str = "RS256",
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """A signed token, by default one that holds."""
        headers = {"typ": "at+jwt"} | ({} if kid is None else {"kid": kid}) | (header or {})
        return jwt.encode(
            self.claims(**changes), self.keys[kid] if key is None else key, algorithm=algorithm, headers=headers
        )


def forged(header: dict[str, Any], claims: Any, signature: bytes = b"") -> str:
    """Three parts as somebody wrote them by hand."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


RESOURCE = "https://pickle.example/mcp"
SHARED = rsa_key()
"""Made once: a key takes a tenth of a second."""
OTHER = rsa_key()
