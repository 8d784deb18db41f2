"""Whether the standard variables of OpenTelemetry ask for anything, without importing it."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

SIGNALS: Final = ("TRACES", "METRICS")
ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL: Final = "http/protobuf"


class ExtraMissing(Exception):
    """OpenTelemetry is asked for and not installed, or asked for in a way that is not."""


def wants(env: Mapping[str, str], signal: str) -> bool:
    """Whether a signal is exported: it has an endpoint or `otlp` as its exporter, and nothing switches it off."""
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = env.get(f"OTEL_{signal}_EXPORTER", "").strip().lower()
    if exporter:
        return exporter == "otlp"
    return bool(env.get(ENDPOINT) or env.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))


def wanted(env: Mapping[str, str]) -> bool:
    """Whether any signal is exported. Raises ExtraMissing when that cannot be."""
    signals = [signal for signal in SIGNALS if wants(env, signal)]
    if not signals:
        return False
    if find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter") is None:
        raise ExtraMissing("OTEL_… variables ask for OpenTelemetry. Install it: storefront-mcp[otel]")
    for signal in signals:
        name = f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"
        spoken = env.get(name) or env.get("OTEL_EXPORTER_OTLP_PROTOCOL") or PROTOCOL
        if spoken != PROTOCOL:
            raise ExtraMissing(
                f"{name} is {spoken!r}; only {PROTOCOL!r} is spoken here, to port 4318 of most collectors."
            )
    return True
