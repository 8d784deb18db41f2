"""The alert rules that are shipped: Prometheus loads them, each can fire, and each says what to do."""

import re
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from msgspec.structs import replace

from storefront_mcp.database import Database, SqlCheckoutRepository
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.telemetry.metrics import METRICS
from tests.guards.docs.markdown import ROOT, anchors
from tests.programs import program
from tests.unit.database.test_checkouts import checkout
from tests.unit.telemetry.environment import prometheus, standing

pytestmark = pytest.mark.slow

FILE = ROOT / "deploy" / "prometheus" / "alerts.yml"
RULES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"][0]["rules"]
NAMES = [rule["alert"] for rule in RULES]
SUFFIXES = ("_bucket", "_count", "_sum")
SELECTOR = re.compile(r"(storefront_\w+)(?:\{([^}]*)\})?")
METRIC_LABELS = {metric.name: {*metric.labels, "le"} for metric in METRICS}

CALL = 'storefront_tool_calls_total{store="pickle",tool="search_products",client="other",protocol="2025-11-25"'
HTTP = 'storefront_http_request_duration_seconds_count{store="pickle",route="/mcp",method="POST"'
SHOP = 'storefront_upstream_request_duration_seconds_bucket{store="pickle",operation="GET /products",outcome="ok"'
FIRES: dict[str, dict[str, str]] = {
    "StorefrontCheckoutNeedsPerson": {'storefront_checkouts{store="pickle",state="needs_human"}': "1x60"},
    "StorefrontShopDown": {'storefront_upstream_circuit_open{store="pickle"}': "1x60"},
    "StorefrontWebhooksRefused": {'storefront_alerts{store="pickle",condition="webhooks"}': "1x60"},
    "StorefrontOrderEventsFailed": {'storefront_order_events{store="pickle",state="failed"}': "1x60"},
    "StorefrontScheduledFlipRefused": {'storefront_alerts{store="pickle",condition="scheduled_flips"}': "1x60"},
    "StorefrontAuditBroken": {'storefront_alerts{store="pickle",condition="audit"}': "1x60"},
    "StorefrontDiskLow": {
        "storefront_database_disk_free_bytes": "1000000000x60",
        "storefront_database_disk_size_bytes": "100000000000x60",
    },
    "StorefrontDatabaseNotWritable": {"storefront_database_writable": "0x60"},
    "StorefrontGone": {"unrelated": "1x60"},
    "StorefrontCheckoutsLate": {'storefront_checkout_lag_seconds{store="pickle"}': "601x60"},
    "StorefrontInternalErrors": {
        CALL + ',outcome="ok"}': "0+980x60",
        CALL + ',outcome="internal_error"}': "0+20x60",
    },
    "StorefrontServerErrors": {HTTP + ',status="200"}': "0+980x60", HTTP + ',status="500"}': "0+20x60"},
    "StorefrontShopSlow": {
        SHOP + ',le="5.0"}': "0+900x60",
        SHOP + ',le="10.0"}': "0+1000x60",
        SHOP + ',le="+Inf"}': "0+1000x60",
    },
    "StorefrontMirrorOld": {'storefront_mirror_age_seconds{store="pickle"}': "3600+60x60"},
    "StorefrontMirrorKept": {'storefront_mirror_problems{store="pickle"}': "1x60"},
    "StorefrontGuestRoomLow": {'storefront_guest_rows_ratio{bound="carts"}': "0.81x60"},
    "StorefrontManyLimited": {'storefront_limits_hit_total{store="pickle",limit="address"}': "0+120x60"},
}
"""By alert, series of one value a minute that make it fire."""
FIRING = 'count by (alertname) (ALERTS{alertname=~"%s",alertstate="firing"})'
QUIET: dict[str, str] = {
    'storefront_build_info{version="1"}': "1x60",
    'storefront_checkouts{store="pickle",state="needs_human"}': "0x60",
    'storefront_checkouts{store="pickle",state="open"}': "7x60",
    'storefront_upstream_circuit_open{store="pickle"}': "0x60",
    'storefront_alerts{store="pickle",condition="shop"}': "0x60",
    'storefront_alerts{store="pickle",condition="scheduled_flips"}': "0x60",
    'storefront_alerts{store="pickle",condition="audit"}': "0x60",
    'storefront_order_events{store="pickle",state="failed"}': "0x60",
    'storefront_order_events{store="pickle",state="told"}': "7x60",
    "storefront_database_writable": "1x60",
    # Little, and much for the disk; then the other way round.
    'storefront_database_disk_free_bytes{instance="small"}': "1000000000x60",
    'storefront_database_disk_size_bytes{instance="small"}': "10000000000x60",
    'storefront_database_disk_free_bytes{instance="large"}': "10000000000x60",
    'storefront_database_disk_size_bytes{instance="large"}': "1000000000000x60",
    'storefront_checkout_lag_seconds{store="pickle"}': "59x60",
    CALL + ',outcome="ok"}': "0+1000x60",
    CALL + ',outcome="shop_unavailable"}': "0+100x60",
    HTTP + ',status="200"}': "0+1000x60",
    HTTP + ',status="503"}': "0+1000x60",
    SHOP + ',le="0.5"}': "0+1000x60",
    SHOP + ',le="+Inf"}': "0+1000x60",
    'storefront_limits_hit_total{store="pickle",limit="address"}': "0+10x60",
    'storefront_guest_rows_ratio{bound="carts"}': "0.79x60",
    'storefront_mirror_age_seconds{store="pickle"}': "899x60",
    'storefront_mirror_problems{store="pickle"}': "0x60",
    # Of two machines' mirrors, one was kept for a moment.
    'storefront_mirror_problems{store="other"}': "0x10 1x10 0x40",
}
"""Series at which none does."""


def full_name(name: str) -> str:
    return next((name.removesuffix(end) for end in SUFFIXES if name.removesuffix(end) in METRIC_LABELS), name)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_a_rule_asks_for_metrics_and_labels_that_there_are(rule: dict[str, Any]) -> None:
    found = SELECTOR.findall(rule["expr"])
    assert found
    for name, matchers in found:
        assert full_name(name) in METRIC_LABELS, name
        assert set(re.findall(r"(\w+)(?:=|!)", matchers)) <= METRIC_LABELS[full_name(name)]


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "do", "manual"}
    path, _, anchor = rule["annotations"]["manual"].partition("#")
    assert anchor in anchors(ROOT / path)


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(
        [program("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_finds_nothing_wrong() -> None:
    assert f"SUCCESS: {len(RULES)} rules found" in promtool("check", "rules", FILE)


def test_each_alert_fires_for_what_it_is_about_and_none_in_peace(tmp_path: Path) -> None:
    assert set(FIRES) == set(NAMES)
    cases = [
        {
            "interval": "1m",
            "name": name,
            "input_series": [{"series": series, "values": values} for series, values in FIRES.get(name, QUIET).items()],
            "promql_expr_test": [
                {
                    "expr": FIRING % (name if name in FIRES else ".*"),
                    "eval_time": "40m",
                    "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1}] if name in FIRES else [],
                }
            ],
        }
        for name in (*NAMES, "peace")
    ]
    path = tmp_path / "cases.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(FILE)], "evaluation_interval": "1m", "tests": cases}))
    assert "SUCCESS" in promtool("test", "rules", path)


async def test_a_prometheus_loads_them_and_an_alert_of_a_real_shop_fires(tmp_path: Path) -> None:
    with standing(tmp_path) as (_, metrics), prometheus(tmp_path, metrics.split("/")[2], FILE) as url:
        settings = demo_settings(1, state=tmp_path)
        with closing(Database(settings.database)) as database:
            records = SqlCheckoutRepository(database)
            made = checkout(store=settings.stores[0].id)
            await records.open(made)
            held = await records.lease(made.id, now=0.0, seconds=10)
            assert held is not None
            await records.write(replace(held, state="needs_human", problem="look", due_at=None), release=True)
        deadline = time.monotonic() + 300
        firing: list[dict[str, Any]] = []
        async with httpx.AsyncClient() as client:
            while not firing:
                assert time.monotonic() < deadline
                try:
                    answer = await client.get(f"{url}/api/v1/alerts")
                    firing = [one for one in answer.json()["data"]["alerts"] if one["state"] == "firing"]
                except (httpx.TransportError, ValueError, KeyError):
                    continue
            loaded = (await client.get(f"{url}/api/v1/rules")).json()["data"]["groups"][0]["rules"]
    assert [one["name"] for one in loaded] == NAMES
    assert {one["health"] for one in loaded} <= {"ok", "unknown"}
    [alert] = firing
    assert alert["labels"] == {
        "alertname": "StorefrontCheckoutNeedsPerson",
        "severity": "page",
        "store": settings.stores[0].id,
    }
    assert alert["annotations"]["summary"] == f"{settings.stores[0].id}: 1 checkouts need a person"
