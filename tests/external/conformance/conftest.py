"""The conformance program, the fixtures it looks for, and the demo as customers get it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storefront_mcp.app import create_app
from storefront_mcp.app.phases import planned_roadmap
from storefront_mcp.settings.demo import demo_settings
from tests.external.conformance.serving import fixtures_served
from tests.external.conformance.suite import Suite
from tests.journeys.conftest import flip
from tests.serving import free_port, served


@pytest.fixture
def suite(node_tools: Path, tmp_path: Path) -> Suite:
    """The conformance program; skipped and listed where it is not installed."""
    return Suite(node_tools, tmp_path)


@pytest.fixture(scope="package")
def fixtures() -> Iterator[str]:
    """The origin of a server with the suite's fixtures."""
    with fixtures_served() as origin:
        yield origin


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of the demo with every delivered phase open."""
    port = free_port()
    settings = demo_settings(port, state=tmp_path_factory.mktemp("conformance"))
    promised = planned_roadmap(settings.stores[0]).phases
    flip(settings, {phase.name: "active" for phase in promised if phase.delivered and not phase.missing})
    with served(create_app(settings), port) as origin:
        yield origin
