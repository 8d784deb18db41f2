"""A server that answers as a stranger's may: slowly, endlessly, never, or by somebody else's certificate."""

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from storefront_mcp.public_http.document_fetcher import MAX_DOCUMENT_BYTES, DocumentFetcher

DRIP_SECONDS = 0.1
"""Between two bytes of an answer that comes drop by drop."""


async def resolve_here(_host: str) -> Sequence[str]:
    return ["127.0.0.1"]


class HostileHost:
    """A TLS server on loopback that answers as it is told."""

    def __init__(self, folder: Path, name: str) -> None:
        self.connections = 0
        self.answer: Callable[[asyncio.StreamWriter], Any]
        self._certificate = certificate(folder, name)

    async def __aenter__(self) -> Self:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.trust = ssl.create_default_context(cafile=str(self._certificate))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            await self.answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def fetcher(self, max_bytes: int = MAX_DOCUMENT_BYTES) -> DocumentFetcher:
        return DocumentFetcher(
            resolve=resolve_here, may_connect=lambda _: True, trust=self.trust, port=self.port, max_bytes=max_bytes
        )


async def drip(writer: asyncio.StreamWriter, whole: bytes, drops: bytes) -> None:
    """Write something at once, and what follows byte by byte."""
    writer.write(whole)
    gone = asyncio.create_task(writer.wait_closed())
    for drop in drops:
        writer.write(bytes((drop,)))
        await writer.drain()
        await asyncio.wait({gone}, timeout=DRIP_SECONDS)
    gone.cancel()


class MuteHost:
    """Takes connections on loopback and never says a word, not even of TLS."""

    async def __aenter__(self) -> Self:
        self.left = asyncio.Event()
        """Set once a connection was closed by who opened it."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        self.left.set()
        writer.close()


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for a host name, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
