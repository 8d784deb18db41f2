"""Chat hosts in a real browser that show our widgets: served, bundled and driven."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from msgspec import Struct
from msgspec.structs import replace
from playwright.sync_api import Browser, BrowserContext, Frame, Locator, Page, Request

from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.server import Settings
from tests.external.clients.programs import BIN
from tests.programs import NODE
from tests.serving import until

HOSTS = Path(__file__).with_name("widget_hosts")
PAGE = """<!doctype html><html lang="en"><title>Chat</title><link rel="icon" href="data:,"><body style="margin: 0">
<script>window.shop = {shop}; window.sandbox = {sandbox};</script><script type="module" src="/{host}.js"></script>"""
JsonObject = dict[str, Any]


def bundled(node_tools: Path, host: str, folder: Path) -> bytes:
    """A host as one script, as esbuild makes it of the locked packages."""
    target = folder / f"{host}.js"
    words = [NODE, node_tools / "esbuild" / "bin" / "esbuild", HOSTS / f"{host}.mjs"]
    options = ["--bundle", "--format=esm", f"--outfile={target}", "--log-level=warning"]
    options.append('--define:process.env.NODE_ENV="production"')
    environment = {**os.environ, "NODE_PATH": str(node_tools), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([*words, *options], capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return target.read_bytes()


def content_policy(csp: Mapping[str, Sequence[str]]) -> str:
    """The policy that a host makes of what a widget asks for (MCP Apps, content security policy)."""
    reached = " ".join(csp.get("connectDomains", ())) or "'none'"
    media = " ".join(["data:", *csp.get("resourceDomains", ())])
    return (
        f"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src {media}; "
        f"connect-src {reached}; base-uri 'none'; form-action 'none'; frame-src 'self'"
    )


def host_app(shop: str, own_port: int, scripts: Mapping[str, bytes]) -> Callable[..., Coroutine[Any, Any, None]]:
    """Serves the pages of the hosts on 127.0.0.1, and their sandbox on localhost, which is another origin."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (event := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{event['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        name = scope["path"].removeprefix("/")
        headers, status = [(b"content-type", b"text/html; charset=utf-8")], 200
        if name == "sandbox":
            csp = json.loads(parse_qs(scope["query_string"].decode()).get("csp", ["{}"])[0])
            headers.append((b"content-security-policy", content_policy(csp).encode()))
            body = (HOSTS / "sandbox.html").read_bytes()
        elif name.endswith(".js") and name.removesuffix(".js") in scripts:
            headers, body = [(b"content-type", b"text/javascript")], scripts[name.removesuffix(".js")]
        elif name in scripts:
            sandbox = json.dumps(f"http://localhost:{own_port}/sandbox")
            body = PAGE.format(shop=json.dumps(shop), sandbox=sandbox, host=name).encode()
        else:
            status, body = 404, b""
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def widget_settings(port: int, host: str, state: Path, **changes: Any) -> Settings:
    """The demo, which pages of the host may call; `changes` are the store's."""
    settings = demo_settings(port, state=state)
    store = replace(settings.stores[0], allowed_origins=(host,), **changes)
    return replace(settings, stores=(store,))


def meanwhile(work: Coroutine[Any, Any, Any]) -> Any:
    """Let an agent work while the browser stands still: it keeps this thread's event loop to itself."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(60)


class Conversation(Struct, frozen=True):
    """One page of a host, with all that widgets in it asked the network for."""

    page: Page
    requests: list[str]
    """What frames of the page asked for, but for the host's own sandbox."""

    def open(self, tool: str, arguments: JsonObject | None = None, **options: Any) -> JsonObject:
        """Call a tool as the host, and show its widget; answers what the host read of it."""
        opening = "([tool, args, options]) => host.open(tool, args, options)"
        told: JsonObject = self.page.evaluate(opening, [tool, arguments or {}, options])
        return told

    @property
    def widget(self) -> Frame:
        """The innermost frame, once there is one."""
        until(lambda: self.page.wait_for_timeout(10) is None and len(self.page.frames) > 2, "the widget's frame")
        return self.page.frames[-1]

    def reach(self, name: str, role: Any = "button") -> Locator:
        """Walk to something in the widget with the Tab key alone."""
        wanted = self.widget.get_by_role(role, name=name, exact=True)
        for _ in range(40):
            self.page.keyboard.press("Tab")
            if wanted.and_(self.widget.locator(":focus")).count():
                # A focus that nobody sees helps nobody.
                assert wanted.evaluate("element => getComputedStyle(element).outlineStyle") == "solid", name
                return wanted
        raise AssertionError(f"the keyboard does not reach {name}")

    def press(self, name: str) -> None:
        """Walk to a button in the widget and press it, without a mouse."""
        self.reach(name)
        self.page.keyboard.press("Enter")

    def said(self, kind: str) -> Any:
        """What the widget asked its host for: `messages`, `contexts`, `links`, `sizes` or `calls`."""
        return self.page.evaluate(f"host.said.{kind}")

    def heard(self, kind: str, count: int) -> Any:
        """The same, once there are so many."""
        self.page.wait_for_function(f"host.said.{kind}.length >= {count}")
        return self.said(kind)


def conversation(context: BrowserContext, address: str, complaints: list[str]) -> Conversation:
    """A page of a host; what is complained about in it goes to `complaints`."""
    requests: list[str] = []

    def note(asked: Request) -> None:
        if asked.frame.parent_frame is not None and "/sandbox?csp=" not in asked.url:
            requests.append(asked.url)

    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", note)
    page.goto(address)
    page.wait_for_function("window.host !== undefined")
    return Conversation(page, requests)


def contexts(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes windows of a browser and closes them."""
    made: list[BrowserContext] = []

    def make(*, width: int = 390, **options: Any) -> BrowserContext:
        made.append(browser.new_context(viewport={"width": width, "height": 844}, **options))
        return made[-1]

    yield make
    for context in made:
        context.close()
