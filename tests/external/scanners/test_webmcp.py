"""The landing page in a browser: its script offers the open reading tools, and they answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.external.scanners.running import LOOPBACK_ONLY, QUIET, WEBMCP, node, report

HERE = Path(__file__).parent
READING = {
    *("search_products", "get_product", "get_related_products", "list_categories", "get_category", "get_store_info"),
    *("view_cart", "get_order_status"),
}


def visit(origin: str, node_tools: Path, chromium: str, folder: Path, calls: list[tuple[str, Any]]) -> dict[str, Any]:
    """What a Chromium with WebMCP finds at `/`; skips where it has no WebMCP."""
    arguments = [*QUIET, WEBMCP, f"--host-resolver-rules={LOOPBACK_ONLY}", f"--user-data-dir={folder / 'profile'}"]
    seen: dict[str, Any] = report(
        node(
            HERE / "visitor.cjs",
            node_tools / "puppeteer-core",
            chromium,
            f"{origin}/",
            json.dumps(calls),
            *arguments,
            cwd=folder,
        )
    )
    if not seen["supported"]:
        pytest.skip("this Chromium has no WebMCP")
    return seen


@pytest.mark.browser
def test_a_browsers_agent_finds_the_open_reading_tools_and_calls_one(
    open_shop: str, node_tools: Path, chromium: str, tmp_path: Path
) -> None:
    seen = visit(open_shop, node_tools, chromium, tmp_path, [("search_products", {"query": "paddle", "page_size": 1})])
    (answer,) = seen["answers"]
    found = answer if isinstance(answer, dict) else json.loads(answer)

    assert {tool["name"] for tool in seen["tools"]} == READING
    assert all(tool["reads"] for tool in seen["tools"])
    assert found["isError"] is False
    assert "paddle" in found["content"][0]["text"].lower()
    assert seen["copy"] > 0
    assert seen["accent"].startswith("oklch("), "the stylesheet was not applied"
    assert seen["heard"] == []


@pytest.mark.browser
def test_a_planned_shop_offers_the_browser_nothing(
    planned_shop: str, node_tools: Path, chromium: str, tmp_path: Path
) -> None:
    seen = visit(planned_shop, node_tools, chromium, tmp_path, [])

    assert seen["tools"] == []
    assert seen["heard"] == []


@pytest.mark.scanners
def test_the_script_knows_every_draft_of_webmcp(open_shop: str, node_tools: Path, tmp_path: Path) -> None:
    results = report(node(HERE / "drafts.cjs", open_shop, cwd=tmp_path))

    for shape in ("document.registerTool", "navigator.registerTool", "navigator.provideContext"):
        result = results[shape]
        assert set(result["tools"]) == READING
        assert result["warnings"] == []
        assert result["found"]["isError"] is False
        assert "paddle" in result["found"]["content"][0]["text"].lower()
        assert result["refused"]["isError"] is True
        assert "page_size" in result["refused"]["content"][0]["text"]
        assert result["offline"]["isError"] is True
    assert results["nothing"] == {"tools": [], "warnings": [], "found": None, "refused": None, "offline": None}
    assert len(results["registerTool refuses"]["warnings"]) == len(READING)
