"""`DocumentFetcher`: reads a document at a stranger's URL, from public addresses only, bounded in time and size."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlsplit

import httpx

from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.public_http.addresses import HTTPS_PORT, Resolver, is_public_address, resolve_host
from storefront_mcp.public_http.documents import DocumentUnavailable, FetchedDocument
from storefront_mcp.public_http.exchange import DestinationRefused, PublicExchange

MAX_DOCUMENT_BYTES: Final = 5 * 1024
"""Unless told otherwise."""
TOTAL_SECONDS: Final = 3.0
"""For one document: its host's address, the connection, and the whole answer."""
STEPS: Final = httpx.Timeout(TOTAL_SECONDS, connect=1.5)
HEADERS: Final = {"accept": "application/json", "accept-encoding": "identity"}


class DocumentFetcher:
    """Implements `documents.DocumentSource`."""

    def __init__(
        self,
        *,
        max_bytes: int = MAX_DOCUMENT_BYTES,
        loopback: bool = False,
        resolve: Resolver = resolve_host,
        may_connect: Callable[[str], bool] = is_public_address,
        transport: httpx.AsyncBaseTransport | None = None,
        trust: ssl.SSLContext | None = None,
        port: int = HTTPS_PORT,
    ) -> None:
        """`loopback` lets URLs of this machine through, http included: for a store that runs on this machine alone.

        From `resolve` on, all is for tests, as of `PublicExchange`.
        """
        self._max_bytes = max_bytes
        self._exchange = PublicExchange(
            loopback=loopback, resolve=resolve, may_connect=may_connect, transport=transport, trust=trust, port=port
        )

    async def fetch(self, url: str) -> FetchedDocument:
        """The document at a URL. Raises DocumentUnavailable."""
        host = urlsplit(url).hostname or ""
        try:
            async with (
                asyncio.timeout(TOTAL_SECONDS),
                self._exchange.send("GET", url, headers=HEADERS, steps=STEPS) as response,
            ):
                return await self._document(host, response)
        except DestinationRefused as refused:
            raise DocumentUnavailable(str(refused), host_failed=refused.host_failed) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, OSError, UnicodeError) as error:
            # A TimeoutError is an OSError, and may be of one slow path.
            failed = not isinstance(error, TimeoutError)
            raise DocumentUnavailable(f"{host}: {error_name(error)}", host_failed=failed) from None
        except httpx.HTTPError as error:
            raise DocumentUnavailable(f"{host}: {error_name(error)}") from None

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
            if len(body) > self._max_bytes:
                raise DocumentUnavailable(f"{host}: more than {self._max_bytes} bytes")
        return FetchedDocument(body=bytes(body), cache_control=response.headers.get("cache-control", ""))
