"""Counting requests where they come in."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from storefront_mcp.telemetry.exposition import _drop_dead_processes
from storefront_mcp.telemetry.http_metrics import HttpMetricsMiddleware
from storefront_mcp.telemetry.prometheus import PrometheusMetrics
from tests.unit.telemetry.environment import Told
from tests.unit.web.serving import nothing, raw

COUNT = "storefront_http_request_duration_seconds_count"


async def _breaks(scope: Any, receive: Any, send: Any) -> None:
    raise ConnectionResetError


async def _refuses(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"a", "more_body": True})
    await send({"type": "http.response.body", "body": b"b"})


def told(numbers: PrometheusMetrics) -> Told:
    from prometheus_client import generate_latest  # noqa: PLC0415 -- only here

    numbers.flush()
    return Told(generate_latest(numbers.registry).decode())


async def test_a_request_that_was_never_answered_is_counted_too() -> None:
    numbers = PrometheusMetrics(tools=frozenset(), version="1")
    with pytest.raises(ConnectionResetError):
        await raw(HttpMetricsMiddleware(_breaks, numbers, {}, ["/mcp"]), "POST", "/mcp", [], nothing)
    assert told(numbers).value(COUNT, store="", route="/mcp", status="499") == 1


async def test_a_secret_in_an_address_is_no_label() -> None:
    numbers = PrometheusMetrics(tools=frozenset(), version="1")
    edge = HttpMetricsMiddleware(_refuses, numbers, {"pickle.example": "pickle"}, ["/", "/pay/", "/pay/style/"])
    headers = [(b"accept", b"*/*"), (b"host", b"pickle.example")]
    status, _, body = await raw(edge, "GET", "/pay/hunter2-planted", headers, nothing)
    assert (status, body) == (404, b"ab")
    await raw(edge, "GET", "/pay/style/main.css", headers, nothing)
    await raw(edge, "GET", "/", headers, nothing)
    seen = told(numbers)
    assert seen.labels(COUNT, "route") == {"/pay/", "/pay/style/", "/"}
    assert seen.value(COUNT, store="pickle", status="404") == 3


async def test_an_answer_in_one_event_is_counted() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.whole", "status": 429, "headers": (), "body": b"{}"})

    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)

    numbers = PrometheusMetrics(tools=frozenset(), version="1")
    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": []}
    await HttpMetricsMiddleware(app, numbers, {}, ["/mcp"])(scope, nothing, send)
    assert [event["status"] for event in sent] == [429]
    assert told(numbers).value(COUNT, route="/mcp", status="429") == 1


async def test_what_is_no_request_goes_by() -> None:
    scopes = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope["type"])

    numbers = PrometheusMetrics(tools=frozenset(), version="1")
    await HttpMetricsMiddleware(app, numbers, {}, [])({"type": "lifespan"}, nothing, nothing)
    assert scopes == ["lifespan"]
    assert COUNT not in {sample.name for sample in told(numbers).samples}


def test_what_dead_workers_left_open_is_forgotten(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for pid in (dead.pid, os.getpid(), 1):
        (tmp_path / f"gauge_livesum_{pid}.db").touch()
    _drop_dead_processes(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"gauge_livesum_{pid}.db" for pid in (os.getpid(), 1)}
