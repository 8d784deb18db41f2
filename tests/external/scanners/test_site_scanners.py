"""Scanners of a whole site: agent-readiness, afdocs and Lighthouse; `docs/scanners.md` explains what they see."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.external.scanners.running import LOOPBACK_ONLY, QUIET, WEBMCP, node, report

pytestmark = pytest.mark.scanners

NOT_FOR_US = {"auth-alternative-access": "every page is public, so there is no login to offer another way around"}
"""afdocs checks that need not pass, each with its reason."""


def test_agent_readiness_gives_full_marks(shop: str, node_tools: Path, tmp_path: Path) -> None:
    scanner = node_tools / "agent-readiness" / "bin" / "agent-ready.mjs"
    printed = node(scanner, shop, cwd=tmp_path).stdout

    assert re.findall(r"(\d+)/100", printed), printed
    assert "100/100" in printed, printed


def test_afdocs_fails_nothing_that_is_ours_to_fix(shop: str, node_tools: Path, tmp_path: Path) -> None:
    told = afdocs(shop, node_tools, tmp_path)
    if interrupted(told):
        told = afdocs(shop, node_tools, tmp_path)
    unhappy = {name: check["status"] for name, check in told.items() if check["status"] != "pass"}

    assert len(told) >= 28
    assert unhappy == dict.fromkeys(NOT_FOR_US, "skip"), told


def afdocs(shop: str, node_tools: Path, folder: Path) -> dict[str, Any]:
    """What afdocs says, check by check."""
    scanner = node_tools / "afdocs" / "bin" / "afdocs.mjs"
    found = report(node(scanner, "check", shop, "--format", "json", cwd=folder))
    return {check["id"]: check for check in found["results"]}


def interrupted(told: dict[str, Any]) -> bool:
    """Whether a fetch of the scanner broke off; it counts such a page as one without markdown, with status 0."""
    pages = told["content-negotiation"].get("details", {}).get("pageResults", [])
    return any(page.get("status") == 0 for page in pages)


def lighthouse(origin: str, node_tools: Path, chromium: str, folder: Path) -> dict[str, Any]:
    """Lighthouse's report on the landing page, in a Chromium that has WebMCP."""
    flags = [*QUIET, WEBMCP, f"--host-resolver-rules='{LOOPBACK_ONLY}'", f"--user-data-dir={folder / 'profile'}"]
    found: dict[str, Any] = report(
        node(
            node_tools / "lighthouse" / "cli" / "index.js",
            f"{origin}/",
            "--only-categories=agentic-browsing,seo,accessibility,best-practices",
            "--output=json",
            "--quiet",
            f"--chrome-flags={' '.join(flags)}",
            cwd=folder,
            chromium=chromium,
        )
    )
    return found


def test_lighthouse_gives_full_marks(shop: str, node_tools: Path, chromium: str, tmp_path: Path) -> None:
    found = lighthouse(shop, node_tools, chromium, tmp_path)
    short = {name: audit["title"] for name, audit in found["audits"].items() if audit["score"] not in {1, None}}
    scores = {name: category["score"] for name, category in found["categories"].items()}

    assert scores == {"agentic-browsing": 1, "seo": 1, "accessibility": 1, "best-practices": 1}, short
    for audit in ("llms-txt", "ard-schema", "errors-in-console"):
        assert found["audits"][audit]["score"] == 1, found["audits"][audit]


def test_every_link_of_the_site_leads_somewhere(shop: str) -> None:
    """What link checkers do: from the front page through every page, document and stylesheet of this origin."""
    seen: set[str] = set()
    waiting = {f"{shop}/", f"{shop}/llms.txt", f"{shop}/sitemap.xml", f"{shop}/robots.txt"}
    with httpx.Client(timeout=120) as client:
        while waiting:
            address = waiting.pop()
            seen.add(address)
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert client.head(address).headers["content-type"] == answer.headers["content-type"]
            for link in links(answer):
                target = urljoin(address, link).partition("#")[0]
                if target.startswith(f"{shop}/") and urlsplit(target).path != "/mcp" and target not in seen:
                    waiting.add(target)

    assert {f"{shop}/shipping.md", f"{shop}/api/docs", f"{shop}/auth.md", f"{shop}/webmcp.js"} <= seen


def links(answer: httpx.Response) -> list[str]:
    """The links of an HTML, Markdown, plain or XML document, and of its Link header."""
    header = re.findall(r"<([^>]+)>", answer.headers.get("link", ""))
    match answer.headers["content-type"].partition(";")[0]:
        case "text/html":
            return header + re.findall(r'(?:href|src)="([^"]+)"', answer.text)
        case "text/markdown":
            return header + re.findall(
                r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`]*`", "", answer.text, flags=re.DOTALL)
            )
        case "text/plain" | "application/xml":
            return header + re.findall(r"https?://[^\s<)]+", answer.text)
        case _:
            return header


def test_the_front_door_negotiates_markdown(shop: str) -> None:
    with httpx.Client(base_url=shop) as client:
        page, markdown = client.get("/"), client.get("/", headers={"accept": "text/markdown"})

        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
        assert markdown.content == client.get("/index.md").content
        assert "Accept" in page.headers["vary"]
        assert "script-src 'self'" in page.headers["content-security-policy"]


def test_what_does_not_exist_is_not_pretended(shop: str) -> None:
    with httpx.Client(base_url=shop) as client:
        for path in ("/made-up-page", "/.env", "/.git/config", "/.well-known/x402", "/.well-known/agent.json"):
            answer = client.get(path)
            assert answer.status_code == 404, path
            assert answer.headers["content-type"] == "application/problem+json"
            assert json.loads(answer.content)["status"] == 404
