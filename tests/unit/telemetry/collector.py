"""A collector that speaks OTLP over HTTP, made of OpenTelemetry's own message types: it keeps what it receives."""

import gzip
import http.server
import os
import socket
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.serving import free_port, until
from tools.debian_programs import library_folder

LONGEST = "600"
"""Seconds after which a collector ends whose test was killed."""


class Collector:
    """What was received so far."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.spans: list[Any] = []
        self.resources: list[dict[str, Any]] = []
        self.metrics: dict[str, Any] = {}
        self.url = ""

    def take(self, path: str, body: bytes) -> bytes:
        """Read a posted body; the answer to it."""
        self.bodies.append(body)
        if path == "/v1/traces":
            for traced in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(attributes(traced.resource))
                self.spans += [span for scope in traced.scope_spans for span in scope.spans]
            return bytes(ExportTraceServiceResponse().SerializeToString())
        assert path == "/v1/metrics"
        for measured in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            self.resources.append(attributes(measured.resource))
            self.metrics.update({one.name: one for scope in measured.scope_metrics for one in scope.metrics})
        return bytes(ExportMetricsServiceResponse().SerializeToString())

    def named(self, name: str) -> list[Any]:
        """The spans of that name."""
        return [span for span in self.spans if span.name == name]


def attributes(carrier: Any) -> dict[str, Any]:
    """Attributes as a dictionary."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in carrier.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on loopback."""
    collector = Collector()

    class Receiving(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.headers["content-type"] == "application/x-protobuf"
            answer = collector.take(self.path, body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the library's name
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiving)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def rotel(behind: str) -> Iterator[str]:
    """Rotel, a collector that hands on what it gets to the one at `behind`; the URL to tell it at.

    When the block ends, everything that it got was handed on.
    """
    spec = find_spec("rotel")
    if spec is None or spec.origin is None:
        pytest.skip("Rotel is built for Linux on x86-64 and Python up to 3.13")
    port = free_port()
    options = {
        "--otlp-http-endpoint": f"127.0.0.1:{port}",
        "--otlp-grpc-endpoint": f"127.0.0.1:{free_port()}",
        "--exporter": "otlp",
        "--otlp-exporter-endpoint": behind,
        "--otlp-exporter-protocol": "http",
    }
    words = [word for option in options.items() for word in option]
    agent = Path(spec.origin).with_name("rotel-agent")
    libraries = os.pathsep.join(
        filter(
            None, [sysconfig.get_config_var("LIBDIR"), str(library_folder() or ""), os.environ.get("LD_LIBRARY_PATH")]
        )
    )
    variables = os.environ | {"LD_LIBRARY_PATH": libraries}
    if subprocess.run([agent, "version"], env=variables, capture_output=True, timeout=120, check=False).returncode:
        pytest.skip("Rotel needs the shared library of this Python (make debian)")
    process = subprocess.Popen(["timeout", LONGEST, agent, "start", *words], stdout=subprocess.DEVNULL, env=variables)
    try:
        until(lambda: _listens(port), "Rotel to listen")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(120)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
