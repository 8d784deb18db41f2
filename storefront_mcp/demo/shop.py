"""`demo_shop()`: the demo shop as an ASGI application."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Mapping

from storefront_mcp.demo.art import FAVICON, product_art
from storefront_mcp.demo.books import AUDIT, Sold, audited, sold
from storefront_mcp.demo.catalogue.model import Catalogue
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse
from storefront_mcp.demo.modules import PaymentModule
from storefront_mcp.demo.money import AUD, CURRENCIES
from storefront_mcp.demo.orders_page import orders_page
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
    """The ASGI application; `state`, `faults` and `books` are there for tests to look at and to meddle with."""

    def __init__(self, state: ShopState, faults: Faults, *, open_books: bool = False) -> None:
        """Serve this memory, failing as planned; `open_books` also answers `/_test/…`."""
        self.state = state
        self.faults = faults
        self._open_books = open_books
        self._routes = routes_for(state.traps)

    @property
    def books(self) -> tuple[Sold, ...]:
        """The orders as an auditor wants them, the oldest first."""
        return tuple(sold(order) for order in self.state.orders.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a lifespan is acknowledged, and not needed."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            return
        raw = await _read(receive)
        if self._open_books and scope["path"].startswith(AUDIT):
            await _write(send, self._audited(scope["path"], raw), with_body=True, closing=False)
            return
        planned = self.faults.take(scope["method"], scope["path"])
        if planned is None:
            reply = await self._reply(scope, raw)
        else:
            reply = await self._faulty(planned, scope, raw)
        if planned is not None and planned.fault is Fault.GONE:
            await _silent(receive, planned.seconds)
            reply = error_reply(_BROKEN, self.state.base_url)
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
        reply = await self._reply(scope, raw, breaks=planned.fault is Fault.CAPTURED)
        if planned.fault is Fault.AFTER:
            return error_reply(_BROKEN, self.state.base_url)
        if planned.fault is Fault.TRUNCATED:
            return Reply(status=reply.status, headers=reply.headers, body=reply.body[: len(reply.body) // 2])
        return reply

    def _audited(self, path: str, raw: bytes) -> Reply:
        try:
            return audited(self.state, self.faults, path, raw)
        except Refused as refused:
            return error_reply(refused, self.state.base_url)

    async def _reply(self, scope: Scope, raw: bytes, *, breaks: bool = False) -> Reply:
        try:
            if not scope["path"].startswith(f"{PREFIX}/"):
                return self._seen(scope)
            return await self._answer(scope, raw, breaks=breaks)
        except Refused as refused:
            return error_reply(refused, self.state.base_url)

    async def _answer(self, scope: Scope, raw: bytes, *, breaks: bool) -> Reply:
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
            breaks=breaks,
        )
        answer = await found.action(self.state, request, **found.values)
        return reply_to(request, answer, found.allow)

    def _seen(self, scope: Scope) -> Reply:
        """What people look at: pictures, and the list of orders, wherever this application is mounted."""
        if scope["path"].rstrip("/").endswith("/orders"):
            return orders_page(self.state)
        return self._picture(scope)

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


async def _silent(receive: Receive, seconds: float) -> None:
    """Wait until the caller gives up, or for so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


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


def demo_shop(  # noqa: PLR0913 -- each has a default, and none depends on another
    *,
    catalogue: Catalogue | None = None,
    traps: Traps = Traps(),  # noqa: B008 - frozen
    faults: Faults | None = None,
    clock: Callable[[], float] = time.time,
    token: Callable[[], str] = _hex32,
    base_url: str = "http://127.0.0.1:8000",
    payment_modules: Mapping[str, PaymentModule] | None = None,
    client_secret: str | None = None,
    open_books: bool = False,
) -> DemoShop:
    """Open a shop with empty carts and full shelves.

    `catalogue` defaults to Pickle Warehouse. `traps` and `faults` make it misbehave. `clock` gives seconds since 1970;
    `token` gives 32 lower-case hex digits, different every time. `base_url` is what picture addresses begin with; the
    shop answers them under `/media/`. `payment_modules` take the money of an order, by the code of the way to pay.
    `client_secret` belongs to the service account `storefront`; None makes one up, to be read at `state.accounts`.
    `open_books` lets anybody read and meddle under `/_test/`, so it is for tests only.
    """
    state = ShopState(
        catalogue=catalogue or pickle_warehouse(),
        traps=traps,
        clock=clock,
        token=token,
        base_url=base_url,
        modules=payment_modules or {},
        client_secret=client_secret or secrets.token_hex(16),
    )
    return DemoShop(state, faults or Faults(), open_books=open_books)
