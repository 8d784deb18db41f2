"""HTTP client of a deployed store: bounded, follows no redirects, fetches each document once."""

import asyncio
import datetime as dt
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, cast
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from storefront_mcp.backends.probe import MAX_RESPONSE_BYTES, ProbeResponse, response_of
from storefront_mcp.backends.probe_failures import failure_of
from storefront_mcp.backends.upstream_messages import ACCEPTED_CODING, BodyDecoder, BodyTooLong
from storefront_mcp.commerce.origins import is_loopback

MAX_CONCURRENT_REQUESTS: Final = 6
"""Requests in flight at a time."""


class StoreHttpClient:
    """HTTP client of one origin. `ask` and `get` raise ProbeFailed; bodies are cut at MAX_RESPONSE_BYTES."""

    def __init__(
        self, origin: str, *, timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """`timeout_seconds` is the timeout of one response in seconds; `transport` replaces the network."""
        self.origin = origin.rstrip("/")
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(timeout_seconds),
            headers={"user-agent": "storefront-mcp doctor", "accept-encoding": ACCEPTED_CODING},
            follow_redirects=False,
        )
        self._timeout_seconds = timeout_seconds
        self._room = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)
        self._got: dict[str, asyncio.Task[ProbeResponse]] = {}

    @property
    def host(self) -> str:
        """The host name without the port."""
        return urlsplit(self.origin).hostname or ""

    @property
    def is_public(self) -> bool:
        """Whether the origin is not a loopback address."""
        return not is_loopback(self.origin)

    @property
    def is_https(self) -> bool:
        """Whether the origin's scheme is https."""
        return self.origin.startswith("https:")

    def url(self, path: str) -> str:
        """The absolute URL of a path; an absolute URL is returned unchanged."""
        return urljoin(self.origin + "/", path)

    async def get(self, path: str) -> ProbeResponse:
        """GET a document without credentials; cached, and shared by concurrent callers."""
        url = self.url(path)
        if url not in self._got:
            self._got[url] = asyncio.create_task(self.ask("GET", url))
        # The timeout of one check must not cancel a request that others await.
        return await asyncio.shield(self._got[url])

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        json: Any = None,  # noqa: ANN401
    ) -> ProbeResponse:
        """Send one request and read its response, cut at MAX_RESPONSE_BYTES."""
        url = self.url(path)
        async with self._room:
            began = time.perf_counter()
            try:
                async with asyncio.timeout(self._timeout_seconds), self._send(method, url, headers, json) as response:
                    decoder = BodyDecoder(response.headers, max_bytes=MAX_RESPONSE_BYTES)
                    with suppress(BodyTooLong):
                        # Not `aiter_raw`, which refuses a response that a transport made whole.
                        async for piece in cast("httpx.AsyncByteStream", response.stream):
                            decoder.feed(piece)
                    return response_of(response, decoder.start, url, time.perf_counter() - began)
            except TimeoutError:
                raise await failure_of(
                    url, httpx.ReadTimeout(f"no whole answer in {self._timeout_seconds:g} s")
                ) from None
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                raise await failure_of(url, error) from error

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[httpx.Response]:
        """GET an event stream, unread. Raises httpx's own errors."""
        async with self._client.stream("GET", self.url(path), headers={"accept": "text/event-stream"}) as response:
            yield response

    async def certificate_ends(self) -> dt.datetime | None:
        """Expiry of the origin's TLS certificate; None without TLS. Raises ProbeFailed."""
        try:
            async with self._client.stream("HEAD", self.origin) as response:
                wire = response.extensions.get("network_stream")
                tls = None if wire is None else wire.get_extra_info("ssl_object")
        except httpx.HTTPError as error:
            raise await failure_of(self.origin, error) from error
        if tls is None:
            return None
        return dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(tls.getpeercert()["notAfter"]), dt.UTC)

    async def close(self) -> None:
        """Cancel pending requests and close the connections."""
        for task in self._got.values():
            task.cancel()
        await asyncio.gather(*self._got.values(), return_exceptions=True)
        await self._client.aclose()

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        json: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401 -- httpx's own context manager
        sent = dict(headers or {})
        content = None if json is None else msgspec.json.encode(json)
        if content is not None:
            sent["content-type"] = "application/json"
        return self._client.stream(method, url, headers=sent, content=content)
