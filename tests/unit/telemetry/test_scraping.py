"""Where numbers are told, and to whom: on an address of their own, under a key, and of several workers as one."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.access.scopes import parse_scopes
from storefront_mcp.app import create_app
from storefront_mcp.app.observability import MetricsPortUnavailable, serve_worker_metrics
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.telemetry import MetricsSettings
from storefront_mcp.telemetry.exposition import DatabaseCollector, MetricsScrape
from storefront_mcp.telemetry.metrics import LABELS, METRICS
from tests.fakes.agent import Agent
from tests.journeys.conftest import flip
from tests.serving import WITH_US, free_port, served, until
from tests.unit.telemetry.environment import STORE, Told, watched

ROOT = Path(__file__).parents[3]


def key(settings: Settings, *scopes: str) -> dict[str, str]:
    """The header of a fresh key of the shop."""
    database = Database(settings.database)
    try:
        new = mint_key(store=StoreId(STORE), label="prometheus", scopes=parse_scopes(scopes), by="tests", now=utc_now())
        SqlApiKeyRepository(database, now=utc_now).add(new.key, new.digest)
    finally:
        database.close()
    return {"authorization": f"Bearer {new.secret.reveal()}"}


async def test_a_key_that_may_read_figures_is_told_and_nobody_else(tmp_path: Path) -> None:
    port = free_port()
    settings = watched(tmp_path, port)
    with served(create_app(settings), port) as origin:
        async with httpx.AsyncClient(base_url=origin) as client:
            assert (await client.get("/metrics")).status_code == 401
            poor = await client.get("/metrics", headers=key(settings, "read:content"))
            assert poor.status_code == 403
            assert "read:analytics" in poor.headers["www-authenticate"]
            told = await client.get("/metrics", headers=key(settings, "read:analytics"))
    assert told.status_code == 200
    assert told.headers["content-type"].startswith("text/plain")
    assert told.headers["cache-control"] == "no-store"
    assert Told(told.text).value("storefront_upstream_circuit_open", store=STORE) == 0
    assert Told(told.text).labels("storefront_checkouts", "store") == {STORE}


@pytest.mark.slow
@pytest.mark.parametrize("metrics", [MetricsSettings(), MetricsSettings(on=True, host="127.0.0.1", port=free_port())])
async def test_there_is_nothing_at_that_path_otherwise(tmp_path: Path, metrics: MetricsSettings) -> None:
    port = free_port()
    settings = replace(demo_settings(port, state=tmp_path), metrics=metrics)
    with served(create_app(settings), port) as origin:
        async with httpx.AsyncClient(base_url=origin) as client:
            assert (await client.get("/metrics", headers=key(settings, "read:analytics"))).status_code == 404


class Figures:
    """Two stores' records."""

    def checkouts(self) -> dict[tuple[str, str], int]:
        return {("one", "open"): 2, ("two", "open"): 3}

    def guest_rows(self) -> dict[str, float]:
        return {"carts": 0.25}

    def lags(self) -> dict[str, float]:
        return {"one": 7.5}

    def flips(self) -> dict[tuple[str, str, str], int]:
        return {("one", "p", "active"): 1, ("two", "p", "active"): 1}

    def order_events(self) -> dict[tuple[str, str], int]:
        return {("one", "failed"): 2}

    def alerts(self) -> dict[tuple[str, str], bool]:
        return {("one", "shop"): True, ("two", "shop"): False}

    def is_writable(self) -> bool:
        return False

    def mirrors(self) -> dict[str, tuple[int, float, int]]:
        return {"one": (20_000, 31.5, 1)}

    def disk(self) -> tuple[int, int] | None:
        return 5, 100


def test_one_store_s_reader_sees_nothing_of_another() -> None:
    scrape = MetricsScrape(None, None, DatabaseCollector(Figures(), ["one", "two"], ["open"]))
    both, one = Told(scrape.text().decode()), Told(scrape.text("one").decode())
    assert both.labels("storefront_checkouts", "store") == {"one", "two"}
    assert {sample.labels.get("store", "one") for sample in one.samples} == {"one"}
    assert both.labels("storefront_alerts", "store") == {"one", "two"}
    assert one.value("storefront_alerts", condition="shop") == 1
    assert one.value("storefront_checkout_lag_seconds") == 7.5
    assert one.value("storefront_order_events", state="failed") == 2
    assert both.value("storefront_order_events", store="two", state="failed") == 0
    assert both.value("storefront_checkout_lag_seconds", store="two") == 0
    assert one.value("storefront_mirror_products") == 20_000
    assert one.value("storefront_mirror_age_seconds") == 31.5
    assert one.value("storefront_mirror_problems") == 1
    assert both.value("storefront_mirror_products", store="two") == 0


def test_a_database_that_cannot_be_read_leaves_a_scrape_that_says_so() -> None:
    class Broken(Figures):
        def checkouts(self) -> dict[tuple[str, str], int]:
            raise OSError("disk I/O error")

    told = Told(MetricsScrape(None, None, DatabaseCollector(Broken(), ["one"], ["open"])).text().decode())
    assert {sample.name: sample.value for sample in told.samples} == {
        "storefront_database_writable": 0,
        "storefront_database_disk_free_bytes": 5,
        "storefront_database_disk_size_bytes": 100,
    }


@pytest.mark.slow
def test_an_address_that_is_taken_is_said_at_once(tmp_path: Path) -> None:
    scrape = MetricsScrape(None, None, DatabaseCollector(Figures(), [], []))
    port, close = scrape.serve("127.0.0.1", 0)
    settings = replace(
        demo_settings(8000, state=tmp_path), metrics=MetricsSettings(on=True, host="127.0.0.1", port=port)
    )
    with pytest.raises(MetricsPortUnavailable, match=r"metrics\.port"), serve_worker_metrics(settings):
        pass
    close()
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_without_metrics_workers_share_nothing(tmp_path: Path) -> None:
    with serve_worker_metrics(demo_settings(8000, state=tmp_path)):
        assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


TOML = """
port = {port}
workers = 2
[metrics]
on = true
host = "127.0.0.1"
port = {metrics}
[[store]]
id = "pickle"
origin = "http://127.0.0.1:{port}"
name = "Pickle"
currency = "AUD"
[store.upstream]
kind = "maho"
url = "http://127.0.0.1:{shop}"
"""


@pytest.mark.slow
async def test_several_workers_tell_one_story_also_when_one_dies(tmp_path: Path) -> None:
    port, metrics, shop = free_port(), free_port(), free_port()
    path = tmp_path / "storefront.toml"
    path.write_text(TOML.format(port=port, metrics=metrics, shop=shop), encoding="utf-8")
    flip(Settings.load(path, {}), {"p1_browse": "active"})
    cli = [*WITH_US, sys.executable, "-m", "storefront_mcp.cli", "serve", "--config", str(path)]
    log = (tmp_path / "log").open("w+")
    # Starting is quick, and that is all it does.
    serving = subprocess.Popen(cli, stderr=log, cwd=ROOT)  # noqa: ASYNC220
    try:
        origin, url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics}/metrics"
        workers: set[int] = set()

        def both_up() -> bool:
            log.seek(0)
            text = log.read()
            workers.update(map(int, re.findall(r"Started server process \[(\d+)\]", text)))
            return text.count("Application startup complete") >= 2

        until(both_up, "two workers", patience=60)
        for _ in range(12):
            async with Agent(origin, "2025-11-25") as agent:
                await agent.call("search_products", query="paddle")
        _told(url, lambda told: told.value("storefront_tool_calls_total", tool="search_products") == 12)
        os.kill(workers.pop(), signal.SIGKILL)
        told = _told(url, lambda told: told.value("storefront_tool_calls_total", tool="search_products") == 12)
        assert told.value("storefront_open_streams", store=STORE) == 0
        assert told.value("storefront_phase_flips_total", phase="p1_browse") == 1
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.wait(30)
        log.close()


def _told(url: str, enough: Callable[[Told], bool]) -> Told:
    found: list[Told] = []

    def looked() -> bool:
        found[:] = [Told(httpx.get(url).text)]
        return enough(found[0])

    until(looked, "the numbers to be told", patience=15)
    return found[0]


def metrics_table() -> str:
    """As in the manual."""
    rows = [f"| `{one.name}` | {one.kind} | {_list_labels(one.labels)} | {one.help} |" for one in METRICS]
    labels = [f"| `{name}` | {meaning} |" for name, meaning in LABELS.items()]
    return "\n".join(
        [
            "| metric | kind | labels | what it tells |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            "| label | values |",
            "| --- | --- |",
            *labels,
        ]
    )


def _list_labels(labels: tuple[str, ...]) -> str:
    return ", ".join(f"`{label}`" for label in labels)


def test_the_manual_has_every_metric_and_label() -> None:
    assert metrics_table() in (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    assert {label for metric in METRICS for label in metric.labels} == set(LABELS)
