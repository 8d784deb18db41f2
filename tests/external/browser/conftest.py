"""A real Chromium without scripts, on a phone, in front of pages that are served over HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from storefront_mcp.commerce.store import Store
from tests.fakes.memory_backend import STORE
from tests.programs import NODE
from tests.serving import free_port, served
from tests.unit.web.buying import FakePaying, buyer_app

PHONE: ViewportSize = {"width": 390, "height": 844}
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
SCHEMES = ("light", "dark")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Opening = Callable[..., Page]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Not for longer than a module: while it is there, a loop runs in this thread, and no other one can."""
    with pytest.MonkeyPatch.context() as patch:
        # Playwright's own node needs a library that a bare Debian has not; the locked one does without.
        patch.setenv("PLAYWRIGHT_NODEJS_PATH", str(NODE))
        with sync_playwright() as playwright:
            started = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
            yield started
            started.close()


@pytest.fixture
def opening(browser: Browser) -> Iterator[Opening]:
    """Opens windows: `opening(url, scheme="dark", scripts=True)`; what they complain about fails the test."""
    contexts, complaints = [], []

    def open_(
        url: str, *, scheme: Any = "light", scripts: bool = False, width: int = PHONE["width"], quiet: bool = False
    ) -> Page:
        context = browser.new_context(
            viewport={**PHONE, "width": width}, color_scheme=scheme, java_script_enabled=scripts
        )
        contexts.append(context)
        page = context.new_page()
        if not quiet:
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    # A status that is an error is told on the console too; the tests look at those themselves.
    assert [said for said in complaints if "the server responded with a status of" not in said] == []


class Provider(Struct):
    """Somebody else's payment page, on another origin, that remembers how people came."""

    origin: str
    seen: list[dict[str, str]]


@pytest.fixture
def provider() -> Iterator[Provider]:
    seen: list[dict[str, str]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (event := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{event['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/session":
            seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<title>Provider</title><h1>Card number</h1>"})

    with served(app) as origin:
        yield Provider(origin, seen)


class Till(Struct):
    """A served pay page, and who answers behind it."""

    origin: str
    paying: FakePaying


@pytest.fixture
def shop(provider: Provider) -> Iterator[Till]:
    paying = FakePaying()
    paying.answer = f"{provider.origin}/session"
    store = on_loopback(free_port())
    with served(
        buyer_app(paying, store, form_targets=(provider.origin,)), int(store.host.rpartition(":")[2])
    ) as origin:
        yield Till(origin, paying)


def on_loopback(port: int) -> Store:
    """The usual store, where a browser can reach it."""
    return replace(
        STORE,
        origin=f"http://127.0.0.1:{port}",
        locale="en-AU",
        website="https://www.pickle.example",
        privacy_policy="https://www.pickle.example/privacy",
    )


def press(page: Page, name: str, *, role: Any = "button") -> None:
    """Walk to something with the Tab key alone and press Enter."""
    wanted = page.get_by_role(role, name=name)
    for _ in range(30):
        page.keyboard.press("Tab")
        if wanted.and_(page.locator(":focus")).count():
            # A focus that nobody sees helps nobody.
            outline = wanted.evaluate("element => getComputedStyle(element).outlineStyle")
            assert outline == "solid", f"{name} has no visible focus"
            break
    else:
        pytest.fail(f"the keyboard does not reach {name}")
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.fixture(scope="session")
def axe(node_tools: Path) -> str:
    """Deque's accessibility rules."""
    return (node_tools / "axe-core" / "axe.min.js").read_text()


def violations(window: Any, axe: str) -> list[str]:
    """What axe finds wrong, as sentences."""
    window.evaluate(axe)
    found = window.evaluate("tags => axe.run({runOnly: tags})", RULES)
    assert len(found["passes"]) > 15, "axe looked at nothing"
    return [
        f"{rule['id']}: {node['html'][:120]}: {node['failureSummary'][:300]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
