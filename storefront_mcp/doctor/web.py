"""Ask a deployed store over HTTP: bounded, no redirects followed, each document fetched once."""

import asyncio
import datetime as dt
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from storefront_mcp.backends.probing import LARGEST, Heard, heard, unheard

AT_ONCE: Final = 6
"""Requests under way at a time."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Web:
    """One store's origin. `ask` and `get` raise Unheard."""

    def __init__(self, origin: str, *, patience: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`patience` is in seconds, for one answer; `transport` stands in for the network."""
        self.origin = origin.rstrip("/")
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(patience),
            headers={"user-agent": "storefront-mcp doctor"},
            follow_redirects=False,
        )
        self._patience = patience
        self._room = asyncio.Semaphore(AT_ONCE)
        self._got: dict[str, asyncio.Task[Heard]] = {}

    @property
    def host(self) -> str:
        """Without a port."""
        return urlsplit(self.origin).hostname or ""

    @property
    def public(self) -> bool:
        """Whether others than this machine can be meant."""
        return self.host not in LOOPBACK

    @property
    def encrypted(self) -> bool:
        """Whether it is https."""
        return self.origin.startswith("https:")

    def url(self, path: str) -> str:
        """An absolute URL; one that is absolute already stays as it is."""
        return urljoin(self.origin + "/", path)

    async def get(self, path: str) -> Heard:
        """A document as anybody reads it, fetched once however many ask."""
        url = self.url(path)
        if url not in self._got:
            self._got[url] = asyncio.create_task(self.ask("GET", url))
        # One check that runs out of time must not take the answer from the others.
        return await asyncio.shield(self._got[url])

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        json: Any = None,  # noqa: ANN401
    ) -> Heard:
        """One request, one whole answer."""
        url = self.url(path)
        async with self._room:
            began = time.perf_counter()
            try:
                async with asyncio.timeout(self._patience), self._sent(method, url, headers, json) as response:
                    body = bytearray()
                    async for piece in response.aiter_bytes():
                        body += piece
                        if len(body) > LARGEST:
                            break
                    return heard(response, bytes(body[:LARGEST]), url, time.perf_counter() - began)
            except TimeoutError:
                raise unheard(url, httpx.ReadTimeout(f"no whole answer in {self._patience:g} s")) from None
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                raise unheard(url, error) from error

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[httpx.Response]:
        """An answer that has no end. Raises httpx's own errors."""
        async with self._client.stream("GET", self.url(path), headers={"accept": "text/event-stream"}) as response:
            yield response

    async def certificate_ends(self) -> dt.datetime | None:
        """When the origin's TLS certificate stops to hold; None where there is none. Raises Unheard."""
        try:
            async with self._client.stream("HEAD", self.origin) as response:
                wire = response.extensions.get("network_stream")
                tls = None if wire is None else wire.get_extra_info("ssl_object")
        except httpx.HTTPError as error:
            raise unheard(self.origin, error) from error
        if tls is None:
            return None
        return dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(tls.getpeercert()["notAfter"]), dt.UTC)

    async def close(self) -> None:
        """Let go of the connections and of what nobody waits for any more."""
        for task in self._got.values():
            task.cancel()
        await asyncio.gather(*self._got.values(), return_exceptions=True)
        await self._client.aclose()

    def _sent(
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
