"""`DocumentFetcher`: reads a document at a stranger's URL, from public addresses only, bounded in time and size."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, cast
from urllib.parse import urlsplit

import httpx

from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.oauth.client_documents import DocumentUnavailable, FetchedDocument

MAX_DOCUMENT_BYTES: Final = 5 * 1024
TOTAL_SECONDS: Final = 3.0
"""For one document: its host's address, the connection, and the whole answer."""
HTTPS_PORT: Final = 443
EMBEDDING_NETWORKS: Final = tuple(
    map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
)
"""IPv6 addresses that lead to an IPv4 address inside them: mapped, compatible, NAT64 (two), 6to4, Teredo."""
SPECIAL_NETWORKS: Final = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "5f00::/16", "fec0::/10"))
)
"""Of IANA's special-purpose registries (RFC 6890), what some Python calls global.

IETF protocols, relays of 6to4, documentation, segment routing, and the site-local addresses of old.
"""

Resolver = Callable[[str], Awaitable[Sequence[str]]]


async def resolve_host(host: str) -> Sequence[str]:
    """The addresses of a host name. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, HTTPS_PORT, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def is_public_address(text: str) -> bool:
    """Whether an address is one of the internet's, and leads to no other."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    # A zone (`%eth0`) is of a link of this machine.
    if "%" in text or any(address in network for network in (*EMBEDDING_NETWORKS, *SPECIAL_NETWORKS)):
        return False
    return address.is_global and not address.is_multicast


class DocumentFetcher:
    """Implements `client_documents.DocumentSource`."""

    def __init__(
        self,
        *,
        resolve: Resolver = resolve_host,
        may_connect: Callable[[str], bool] = is_public_address,
        transport: httpx.AsyncBaseTransport | None = None,
        trust: ssl.SSLContext | None = None,
        port: int = HTTPS_PORT,
    ) -> None:
        """All but `resolve` and `may_connect` are for tests: what connects, whom to trust, and where hosts listen."""
        self._resolve = resolve
        self._may_connect = may_connect
        self._transport = transport
        self._trust = trust
        self._port = port

    async def fetch(self, url: str) -> FetchedDocument:
        """The document at a URL. Raises DocumentUnavailable.

        The connection goes to the address that was looked at, so that a second answer of the name server counts for
        nothing. No redirect is followed, no cookie and no credential is sent.
        """
        host = urlsplit(url).hostname or ""
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                addresses = await self._resolve(host)
                if not addresses or not all(map(self._may_connect, addresses)):
                    raise DocumentUnavailable(f"{host} is not at a public address")
                return await self._read(url, host, addresses[0])
        except (httpx.HTTPError, OSError, UnicodeError, TimeoutError) as error:
            raise DocumentUnavailable(f"{host}: {error_name(error)}") from None

    async def _read(self, url: str, host: str, address: str) -> FetchedDocument:
        literal = f"[{address}]" if ":" in address else address
        request = httpx.Request(
            "GET",
            httpx.URL(url).copy_with(host=literal, port=self._port),
            headers={"host": host, "accept": "application/json", "accept-encoding": "identity"},
            # The certificate has to be the host's, not the address's.
            extensions={"sni_hostname": host, "timeout": httpx.Timeout(TOTAL_SECONDS).as_dict()},
        )
        transport = self._transport or httpx.AsyncHTTPTransport(verify=self._trust or True, trust_env=False)
        async with transport:
            response = await transport.handle_async_request(request)
            try:
                return await self._document(host, response)
            finally:
                await response.aclose()

    async def _document(self, host: str, response: httpx.Response) -> FetchedDocument:
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code != httpx.codes.OK:
            raise DocumentUnavailable(f"{host}: {response.status_code}")
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise DocumentUnavailable(f"{host}: no JSON")
        if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise DocumentUnavailable(f"{host}: compressed, which was not asked for")
        body = bytearray()
        # As it comes: nothing is decoded, and nothing is read ahead.
        async for piece in cast("httpx.AsyncByteStream", response.stream):
            body += piece
            if len(body) > MAX_DOCUMENT_BYTES:
                raise DocumentUnavailable(f"{host}: more than {MAX_DOCUMENT_BYTES} bytes")
        return FetchedDocument(body=bytes(body), cache_control=response.headers.get("cache-control", ""))
