"""An agent that signs its requests, with the directory of its keys over real HTTP."""

import datetime as dt
import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from storefront_mcp.identity.agent_keys import DIRECTORY_PATH, MEDIA_TYPE, thumbprint
from tests.unit.identity.issuer import public_jwk

Headers = list[tuple[bytes, bytes]]
COVERED = ("@authority", "signature-agent")


def new_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def jwk(key: Ed25519PrivateKey) -> dict[str, Any]:
    return public_jwk(key, None)


def keyid_of(key: Ed25519PrivateKey) -> str:
    return thumbprint(jwk(key)["x"])


class Request:
    """What the library signs."""

    def __init__(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.method = method
        self.url = url
        self.headers = headers


def signed(
    key: Ed25519PrivateKey,
    *,
    agent: str,
    now: dt.datetime,
    url: str = "https://pickle.example/mcp?x=%7e",
    method: str = "POST",
    age: float = 0,
    lasts: float | None = 60,
    keyid: str | None = None,
    nonce: str | None = None,
    tag: str | None = "web-bot-auth",
    covered: Sequence[str] = COVERED,
    named: str | None = None,
    **more: Any,
) -> dict[str, str]:
    """The three fields of a signed request; without changes, one that holds."""
    created = now - dt.timedelta(seconds=age)
    request = Request(method, url, {"signature-agent": named or f'"{agent}"'})
    name = keyid or keyid_of(key)
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(
            public_keys={},
            private_keys={
                name: key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            },
        ),
    )
    signer.sign(
        request,
        key_id=name,
        created=created,
        expires=None if lasts is None else created + dt.timedelta(seconds=lasts),
        nonce=nonce,
        tag=tag,
        label="sig1",
        covered_component_ids=covered,
        **more,
    )
    return {field.lower(): value for field, value in request.headers.items()}


def as_sent(fields: dict[str, str], host: str = "pickle.example") -> Headers:
    """Header lines as the server has them."""
    return [(b"host", host.encode()), *((name.encode(), value.encode("latin-1")) for name, value in fields.items())]


class Directory:
    """Serves an agent's keys on loopback. What it says can be changed at any time."""

    def __init__(self, *keys: Ed25519PrivateKey) -> None:
        directory = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                directory.answer(self)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self.keys: Any = [jwk(key) for key in keys]
        self.asked: list[str] = []
        self.down = False
        self.cache_control = ""
        self.media_type = MEDIA_TYPE
        self.redirects_to: str | None = None
        self.padding = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        status = 503 if self.down else 302 if self.redirects_to else 200 if request.path == DIRECTORY_PATH else 404
        body = json.dumps({"keys": self.keys}).encode() + b" " * self.padding
        request.send_response(status)
        if self.redirects_to:
            request.send_header("location", self.redirects_to)
        request.send_header("content-type", self.media_type)
        request.send_header("cache-control", self.cache_control)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
