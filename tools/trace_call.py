"""Trace what one request runs through, in-process: `python -m tools.trace_call [--full] [NAME …]`.

Every function of `storefront_mcp`, `cards` and `phases` that a request calls is recorded by `sys.setprofile`, in the
event loop's thread and in those that the loop hands database work to. Metrics are off. Without `--full` the report is
compact: a line per module that is passed through, each function once, in the order of its first call. A line per
package is what docs/architecture.md holds.
"""

import argparse
import asyncio
import inspect
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from storefront_mcp import demo
from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import planned_roadmap
from storefront_mcp.app.assembly import ServerAssembly
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.mcp.versions import MODERN_VERSIONS
from storefront_mcp.settings import Settings, demo_settings
from storefront_mcp.settings.schema import PaymentSettings
from storefront_mcp.uvicorn_protocol.asgi_extension import EXTENSIONS, BufferedBody
from tests.fakes.stripe import FakeStripe
from tests.fakes.stripe.app import StripeServer
from tests.fakes.stripe.posting import signature
from tests.serving import served

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = tuple(f"{ROOT / name}/" for name in ("storefront_mcp", "cards", "phases"))
EXCLUDED: Final = tuple(f"{Path(inspect.getfile(part)).parent}/" for part in (demo, BufferedBody))
"""The demo shop, which stands for somebody else's server, and our part of uvicorn, which has been passed by then."""
PHASES: Final = ("p1_browse", "p2_cart", "p3_checkout")
VERSION: Final = next(reversed(MODERN_VERSIONS))
META: Final = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "trace", "version": "1"},
}
PEER: Final = ("192.0.2.7", 40_000)
"""A client, not a proxy: its requests are counted as everybody's are."""
ADDRESS: Final = {
    "first_name": "Ada",
    "last_name": "Byron",
    "street": "1 Queen Street",
    "city": "Brisbane",
    "region": "QLD",
    "postcode": "4000",
    "country": "AU",
    "phone": "+61 7 0000 0000",
}
WEBHOOK_SECRET: Final = "whsec_test"  # noqa: S105 -- of a fake
PORT: Final = 8000
"""Of the store's origin; nothing listens there."""


RESUMABLE: Final = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


class TracedFunction(NamedTuple):
    """One function that was called."""

    module: str
    """Its path below the repository without `.py`: `storefront_mcp/web/streamable_http`."""
    name: str
    """Its qualified name: `StreamableHttpEndpoint.answer`."""

    def __str__(self) -> str:
        """`web/mcp: StreamableHttpEndpoint.answer`."""
        return f"{self.module.removeprefix('storefront_mcp/')}: {self.name}"


OPENS_CONNECTION: Final = "_configure"
"""The function of `database/sqlite` that runs when the pool opens a connection."""


class CallTrace:
    """Functions in the order in which they were called. A comprehension belongs to the function that it stands in."""

    def __init__(self) -> None:
        self.calls: list[TracedFunction] = []
        self._known: dict[CodeType, TracedFunction | None] = {}
        self._begun: set[FrameType] = set()
        """Frames of coroutines and generators: each is entered as often as it goes on."""

    @property
    def functions(self) -> Sequence[TracedFunction]:
        """The distinct functions, by their first call."""
        return list(dict.fromkeys(self.calls))

    @property
    def modules(self) -> Sequence[str]:
        """The distinct modules, likewise."""
        return list(dict.fromkeys(function.module for function in self.calls))

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        """A profile function (`sys.setprofile`). A coroutine that goes on is no new call."""
        if event != "call" or (function := self._function(frame.f_code)) is None or frame in self._begun:
            return
        if frame.f_code.co_flags & RESUMABLE:
            self._begun.add(frame)
        self.calls.append(function)

    def _function(self, code: CodeType) -> TracedFunction | None:
        if code not in self._known:
            ours = code.co_filename.startswith(PACKAGES) and not code.co_filename.startswith(EXCLUDED)
            # Whether a call has to open a connection depends on what runs beside it.
            ours = ours and code.co_name != OPENS_CONNECTION
            kept = (ours and not code.co_name.startswith("<")) or (ours and code.co_name == "<lambda>")
            module = str(Path(code.co_filename).relative_to(ROOT).with_suffix("")) if kept else ""
            self._known[code] = TracedFunction(module.removesuffix("/__init__"), code.co_qualname) if kept else None
        return self._known[code]


@contextmanager
def recorded(trace: CallTrace) -> Iterator[None]:
    """Record what the running thread calls, and the threads that are started meanwhile."""
    threading.setprofile(trace.profile)
    sys.setprofile(trace.profile)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


async def requested(
    app: Any, method: str, path: str, body: bytes = b"", headers: Sequence[tuple[bytes, bytes]] = ()
) -> bytes:
    """Send one request as a server would. Raises RuntimeError when it is refused."""
    sent: list[Any] = []

    def receive() -> Any:
        # As our own HTTP protocol hands over a body that has arrived, and below, as it takes a whole answer.
        return BufferedBody(body)

    async def send(message: Any) -> None:
        sent.append(message)

    fields = [(b"host", b"127.0.0.1:%d" % PORT), (b"content-length", b"%d" % len(body)), *headers]
    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": fields,
            "client": PEER,
            "server": ("127.0.0.1", PORT),
            "state": {},
            "extensions": EXTENSIONS,
        },
        receive,
        send,
    )
    answer = b"".join(message.get("body", b"") for message in sent)
    if sent[0]["status"] >= HTTPStatus.BAD_REQUEST:
        message = f"{method} {path}: {sent[0]['status']} {answer[:500].decode(errors='replace')}"
        raise RuntimeError(message)
    return answer


async def called(app: Any, tool: str, arguments: dict[str, Any]) -> Any:
    """Call a tool as a client of the newest version does; its structured content. Raises RuntimeError."""
    params = {"name": tool, "arguments": arguments, "_meta": META}
    body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers = [
        (b"content-type", b"application/json"),
        (b"mcp-protocol-version", VERSION.encode()),
        (b"mcp-method", b"tools/call"),
        (b"mcp-name", tool.encode()),
    ]
    result = msgspec.json.decode(await requested(app, "POST", "/mcp", body, headers))["result"]
    if result["isError"]:
        raise RuntimeError(result["content"][0]["text"])
    return result["structuredContent"]


async def traced(work: Callable[[], Awaitable[object]]) -> CallTrace:
    """What some work runs through."""
    trace, loop = CallTrace(), asyncio.get_running_loop()
    # Threads of an earlier pool would not be recorded.
    loop.set_default_executor(ThreadPoolExecutor(1))
    with recorded(trace):
        await work()
    return trace


async def filled_cart(app: Any) -> tuple[str, str]:
    """A new cart with one product, and that product's SKU."""
    found = await called(app, "search_products", {"page_size": 20})
    sku = next(product["sku"] for product in found["products"] if not product.get("choose"))
    cart = (await called(app, "create_cart", {}))["cart_id"]
    await called(app, "add_to_cart", {"cart_id": cart, "sku": sku, "idempotency_key": "first"})
    return cart, sku


async def trace_add_to_cart(server: ServerAssembly, _stripe: str) -> CallTrace:
    """A guest puts a product into a cart, under an idempotency key; the second time, when what can be kept is kept."""
    app = server.application()
    cart, sku = await filled_cart(app)
    arguments = {"cart_id": cart, "sku": sku, "idempotency_key": "second"}
    return await traced(lambda: called(app, "add_to_cart", arguments))


async def trace_card(server: ServerAssembly, _stripe: str) -> CallTrace:
    """A scanner reads the server card for the first time since a flip."""
    app = server.application()
    return await traced(lambda: requested(app, "GET", "/.well-known/mcp/server-card.json"))


async def trace_webhook(server: ServerAssembly, stripe: str) -> CallTrace:
    """Stripe tells that a buyer has paid, and the reconciler makes the order and takes the money."""
    app, account = server.application(), FakeStripe(stripe)
    cart, _ = await filled_cart(app)
    quoted = await called(app, "get_shipping_methods", {"cart_id": cart, "address": {"country": "AU"}})
    order = {
        "cart_id": cart,
        "email": "ada@example.com",
        "shipping_address": ADDRESS,
        "shipping_method": quoted["methods"][0]["code"],
    }
    placed = await called(app, "place_order", order)
    page = placed["continue_url"].removeprefix(f"http://127.0.0.1:{PORT}")
    form = b"shown=%d" % placed["totals"]["total"]["minor"]
    origin = b"http://127.0.0.1:%d" % PORT
    fields = [(b"content-type", b"application/x-www-form-urlencoded"), (b"origin", origin)]
    await requested(app, "POST", page, form, fields)
    (session,) = (await account.books())["sessions"]
    await account.pay(session["id"])
    event = msgspec.json.encode((await account.events())[-1])
    await account.close()
    signed = [(b"stripe-signature", signature(event, WEBHOOK_SECRET).encode())]

    async def told_and_reconciled() -> None:
        await requested(app, "POST", "/webhooks/stripe", event, signed)
        await server.checkout.reconciler.run_once()

    return await traced(told_and_reconciled)


TRACES: Final[dict[str, Callable[[ServerAssembly, str], Awaitable[CallTrace]]]] = {
    "add_to_cart": trace_add_to_cart,
    "card": trace_card,
    "webhook": trace_webhook,
}


def open_phases(settings: Settings) -> None:
    """Open every delivered phase, as an operator does."""
    database = Database(settings.database)
    flags = SqlFlipRepository(database)
    for store in settings.stores:
        flags.flip(planned_roadmap(store), store.id, dict.fromkeys(PHASES, "active"), by="trace")
    flags.close()
    database.close()


def run_trace(name: str) -> CallTrace:
    """One trace by its name, of a fresh demo store."""
    with tempfile.TemporaryDirectory(prefix="storefront-trace-") as folder, served(StripeServer()) as stripe:
        settings = demo_settings(PORT, state=Path(folder))
        if name == "webhook":
            payments = PaymentSettings(
                provider="stripe",
                secret_key=Secret(FakeStripe.key),
                webhook_secrets=(Secret(WEBHOOK_SECRET),),
                url=stripe,
                method="prepaid",
            )
            settings = replace(settings, stores=tuple(replace(store, payments=payments) for store in settings.stores))
        open_phases(settings)
        return asyncio.run(trace_and_close(name, ServerAssembly(settings, now=utc_now), stripe))


async def trace_and_close(name: str, server: ServerAssembly, stripe: str) -> CallTrace:
    """One trace of a server that does not run its background tasks."""
    try:
        return await TRACES[name](server, stripe)
    finally:
        await server.checkout.close()


def compact(trace: CallTrace) -> str:
    """The ordered trace with each function once, a line per module that it passes through."""
    lines: list[tuple[str, list[str]]] = []
    for module, name in trace.functions:
        if not lines or lines[-1][0] != module:
            lines.append((module, []))
        lines[-1][1].append(name)
    shown = (f"{module.removeprefix('storefront_mcp/')}: {', '.join(names)}" for module, names in lines)
    return "\n".join((f"{len(trace.functions)} functions, {len(trace.modules)} modules", *shown))


def by_package(trace: CallTrace) -> list[tuple[str, str, str]]:
    """A row per package, in the order of first calls: its name, the function that is called first, its modules."""
    entries: dict[str, str] = {}
    modules: dict[str, dict[str, None]] = {}
    for module, name in trace.functions:
        package, _, rest = module.removeprefix("storefront_mcp/").partition("/")
        entries.setdefault(package, name.partition(".<locals>")[0])
        modules.setdefault(package, {})[rest or package] = None
    return [(package, entries[package], ", ".join(modules[package])) for package in entries]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the traces that were asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(TRACES)} (default: all)")
    parser.add_argument("--full", action="store_true", help="every call, also repeated ones")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in TRACES]:
        parser.error(f"there is no trace {unknown[0]}; there are {', '.join(TRACES)}")
    for name in options.names or TRACES:
        trace = run_trace(name)
        print(f"## {name}: {len(trace.calls)} calls")
        print("\n".join(map(str, trace.calls)) if options.full else compact(trace))


if __name__ == "__main__":
    main()
