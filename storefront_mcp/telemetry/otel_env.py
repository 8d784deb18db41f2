"""Reads OpenTelemetry's standard OTEL_* variables without importing it."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

OTEL_SIGNALS: Final = ("TRACES", "METRICS")
ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL: Final = "http/protobuf"


class OtelUnavailable(Exception):
    """OTEL_* variables ask for OpenTelemetry, which is not installed, or for a protocol that is not supported."""


def signal_enabled(env: Mapping[str, str], signal: str) -> bool:
    """Whether a signal is exported: it has an endpoint or `otlp` as its exporter, and nothing switches it off."""
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = env.get(f"OTEL_{signal}_EXPORTER", "").strip().lower()
    if exporter:
        return exporter == "otlp"
    return bool(env.get(ENDPOINT) or env.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))


def otel_enabled(env: Mapping[str, str]) -> bool:
    """Whether any signal is exported. Raises OtelUnavailable."""
    signals = [signal for signal in OTEL_SIGNALS if signal_enabled(env, signal)]
    if not signals:
        return False
    if find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter") is None:
        raise OtelUnavailable("OTEL_… variables ask for OpenTelemetry. Install it: storefront-mcp[otel]")
    for signal in signals:
        name = f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"
        spoken = env.get(name) or env.get("OTEL_EXPORTER_OTLP_PROTOCOL") or PROTOCOL
        if spoken != PROTOCOL:
            raise OtelUnavailable(
                f"{name} is {spoken!r}; only {PROTOCOL!r} is spoken here, to port 4318 of most collectors."
            )
    return True
