"""A demo shop whose operator looks on, and what reads the numbers it tells."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from storefront_mcp.app import create_app
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.telemetry import MetricsSettings
from tests.journeys.conftest import flip
from tests.programs import program
from tests.serving import WITH_US, free_port, served

STORE = "pickle"


def watched(state: Path, at: int, **metrics: object) -> Settings:
    """The demo with every delivered phase open and its numbers told."""
    settings = replace(demo_settings(at, state=state), metrics=MetricsSettings(on=True, **metrics))  # type: ignore[arg-type]
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    return settings


@contextlib.contextmanager
def standing(state: Path) -> Iterator[tuple[str, str]]:
    """Its origin, and where its numbers are."""
    port, metrics = free_port(), free_port()
    settings = watched(state, port, host="127.0.0.1", port=metrics)
    with served(create_app(settings), port) as origin:
        yield origin, f"http://127.0.0.1:{metrics}/metrics"


@contextlib.contextmanager
def prometheus(folder: Path, target: str, *rules: Path) -> Iterator[str]:
    """A Prometheus that scrapes a target every half second, and evaluates rules as often."""
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 500ms, evaluation_interval: 500ms}\n"
        f"rule_files: {[str(rule) for rule in rules]}\n"
        f"scrape_configs: [{{job_name: storefront, static_configs: [{{targets: ['{target}']}}]}}]\n",
        encoding="utf-8",
    )
    port = free_port()
    arguments = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen([*WITH_US, program("prometheus"), *arguments], stdout=log, stderr=log) as process,
    ):
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(120)


class Told:
    """The samples of a scrape."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name with these labels, whatever their others are."""
        return sum(
            sample.value for sample in self.samples if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels(self, name: str, label: str) -> set[str]:
        """The values that a label has."""
        return {sample.labels[label] for sample in self.samples if sample.name == name}


def tables(page: str) -> dict[str, str]:
    """The rows of a manual's tables by the code in their first cell."""
    return dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", page, flags=re.MULTILINE))
