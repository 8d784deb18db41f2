"""`demo_shop()`: the demo shop as an ASGI application."""

import asyncio
import secrets
import time
from collections.abc import Callable

from storefront_mcp.demo.art import FAVICON, product_art
from storefront_mcp.demo.catalogue.model import Catalogue
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse
from storefront_mcp.demo.money import AUD, CURRENCIES
from storefront_mcp.demo.routes import find, routes_for
from storefront_mcp.demo.state import ShopState
from storefront_mcp.demo.traps import Fault, Faults, PlannedFault, Traps
from storefront_mcp.demo.wire import (
    PREFIX,
    Receive,
    Refused,
    Reply,
    Request,
    Scope,
    Send,
    bad_request,
    error_reply,
    header_map,
    not_found,
    query_map,
    read_json,
    reply_to,
    wants_linked,
)

_DAY = 86_400
_HTML = {"content-type": "text/html; charset=UTF-8", "cache-control": "no-cache, private"}
_BROKEN = Refused(500, "internal_server_error", "An internal error occurred")


class DemoShop:
    """The ASGI application; `state` and `faults` are there for tests to look at and to meddle with."""

    def __init__(self, state: ShopState, faults: Faults) -> None:
        """Serve this memory, failing as planned."""
        self.state = state
        self.faults = faults
        self._routes = routes_for(state.traps)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a lifespan is acknowledged, and not needed."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            return
        raw = await _read(receive)
        planned = self.faults.take(scope["method"], scope["path"])
        if planned is None:
            reply = await self._reply(scope, raw)
        else:
            reply = await self._faulty(planned, scope, raw)
        closing = planned is not None and planned.fault is Fault.CLOSED
        await _write(send, reply, with_body=scope["method"] != "HEAD", closing=closing)

    async def _faulty(self, planned: PlannedFault, scope: Scope, raw: bytes) -> Reply:
        match planned.fault:
            case Fault.BEFORE:
                return error_reply(_BROKEN, self.state.base_url)
            case Fault.HTML:
                return Reply(status=200, headers=_HTML, body=b"<!doctype html><title>Back soon</title><p>Brining.")
            case Fault.REDIRECT:
                return Reply(status=302, headers={**_HTML, "location": "https://elsewhere.invalid/"})
            case Fault.SLOW:
                await asyncio.sleep(planned.seconds)
        reply = await self._reply(scope, raw)
        if planned.fault is Fault.AFTER:
            return error_reply(_BROKEN, self.state.base_url)
        if planned.fault is Fault.TRUNCATED:
            return Reply(status=reply.status, headers=reply.headers, body=reply.body[: len(reply.body) // 2])
        return reply

    async def _reply(self, scope: Scope, raw: bytes) -> Reply:
        try:
            if not scope["path"].startswith(f"{PREFIX}/"):
                return self._picture(scope)
            return await self._answer(scope, raw)
        except Refused as refused:
            return error_reply(refused, self.state.base_url)

    async def _answer(self, scope: Scope, raw: bytes) -> Reply:
        headers, query = header_map(scope), query_map(scope)
        method, path = scope["method"], scope["path"].removeprefix(PREFIX).rstrip("/")
        found = find(self._routes, method, path, self.state.base_url + scope["path"])
        store = headers.get("x-store-code") or query.get("store") or "default"
        if store != "default":
            raise bad_request(f"Unknown store: {store}")
        currency = headers.get("x-currency-code") or AUD.code
        if self.state.traps.older_fork:
            currency = AUD.code  # the header came later
        if currency not in CURRENCIES:
            raise bad_request(f"Currency not available for this store: {currency}")
        request = Request(
            method=method,
            path=path,
            query=query,
            headers=headers,
            linked=wants_linked(headers.get("accept", "")),
            body=read_json(method, headers, raw),
            client=(scope.get("client") or ("", 0))[0],
            currency=currency,
        )
        answer = await found.action(self.state, request, **found.values)
        return reply_to(request, answer, found.allow)

    def _picture(self, scope: Scope) -> Reply:
        """Product pictures and the shop's icon, also when mounted below a path of its own such as `/media`."""
        folder, _, name = scope["path"].removesuffix(".svg").rpartition("/")
        drawn: str | None = None
        if name in {"favicon", "logo", "favicon.ico"}:
            drawn = FAVICON
        elif folder.endswith("catalog/product"):
            product = self.state.catalogue.by_sku(name)
            drawn = None if product is None else product_art(self.state.catalogue, product)
        if drawn is None:
            raise not_found()
        headers = {"content-type": "image/svg+xml", "cache-control": f"public, max-age={_DAY}"}
        return Reply(status=200, headers=headers, body=drawn.encode())


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(chunks)


async def _write(send: Send, reply: Reply, *, with_body: bool, closing: bool) -> None:
    headers = dict(reply.headers)
    if reply.status not in {204, 304}:
        headers["content-length"] = str(len(reply.body))
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
    body = reply.body if with_body else b""
    if closing:
        # Promised in full and never finished: the server drops the connection.
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        return
    await send({"type": "http.response.body", "body": body})


def _hex32() -> str:
    return secrets.token_hex(16)


def demo_shop(
    *,
    catalogue: Catalogue | None = None,
    traps: Traps = Traps(),  # noqa: B008 - frozen
    faults: Faults | None = None,
    clock: Callable[[], float] = time.time,
    token: Callable[[], str] = _hex32,
    base_url: str = "http://127.0.0.1:8000",
) -> DemoShop:
    """Open a shop with empty carts and full shelves.

    `catalogue` defaults to Pickle Warehouse. `traps` and `faults` make it misbehave. `clock` gives seconds since 1970;
    `token` gives 32 lower-case hex digits, different every time. `base_url` is what picture addresses begin with; the
    shop answers them under `/media/`.
    """
    state = ShopState(
        catalogue=catalogue or pickle_warehouse(), traps=traps, clock=clock, token=token, base_url=base_url
    )
    return DemoShop(state, faults or Faults())
