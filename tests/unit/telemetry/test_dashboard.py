"""The Grafana dashboard, asked of a real Prometheus that scrapes a shop."""

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from storefront_mcp.telemetry.metrics import METRICS
from tests.fakes.agent import Agent, value
from tests.journeys.test_a_guest_orders import wish
from tests.unit.telemetry.environment import prometheus, standing

DASHBOARD = json.loads((Path(__file__).parents[3] / "docs/dashboards/storefront.json").read_text(encoding="utf-8"))
QUERIES = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
SUFFIXES = ("_bucket", "_count", "_sum")


def asked(query: str) -> str:
    """A panel's query as Grafana would send it."""
    return query.replace("$store", ".*").replace("$__rate_interval", "30s")


def test_every_metric_is_on_the_dashboard_and_nothing_else_is() -> None:
    named = {name for _, query in QUERIES for name in re.findall(r"storefront_\w+", query)}
    whole = {next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name) for name in named}
    assert whole == {metric.name for metric in METRICS}


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for at in (panel["gridPos"] for panel in panels):
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


def series(url: str, query: str) -> Any:
    """What a query returns now."""
    answer = httpx.get(f"{url}/api/v1/query", params={"query": asked(query)})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["result"]


async def journey(origin: str) -> None:
    """Somebody orders, looks for what is not there, and guesses coupons."""
    async with Agent(origin, "2025-11-25") as agent:
        value(await agent.call("search_products", query="paddle"))
        await agent.call("get_product", sku="NO-SUCH")
        order = await wish(agent)
        value(await agent.call("place_order", **order, dry_run=True))
        for guess in range(6):
            await agent.call("apply_coupon", cart_id=order["cart_id"], code=f"GUESS{guess}")


@pytest.mark.slow
async def test_every_query_returns_a_series_after_a_small_journey(tmp_path: Path) -> None:
    with standing(tmp_path) as (origin, metrics), prometheus(tmp_path, metrics.split("/")[2]) as url:
        deadline = time.monotonic() + 300
        missing = dict(QUERIES)
        async with httpx.AsyncClient() as client:
            while True:
                await journey(origin)
                try:
                    await client.get(f"{url}/-/ready")
                    missing = {title: query for title, query in QUERIES if not series(url, query)}
                except httpx.TransportError:
                    pass
                if not missing:
                    break
                assert time.monotonic() < deadline, missing
        values = {title: series(url, query) for title, query in QUERIES}
    assert float(values["Shop rested"][0]["value"][1]) == 0
    assert {one["metric"]["tool"] for one in values["Calls by tool"]} >= {"search_products", "place_order"}
    assert {one["metric"]["client"] for one in values["Calls by program"]} == {"python-sdk"}
