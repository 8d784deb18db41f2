"""The official conformance suite: whole against its own fixtures, and what fits any server against the demo."""

from pathlib import Path

import pytest
import yaml

from tests.external.conformance.serving import fixture_roadmap
from tests.external.conformance.suite import Suite
from tests.guards.architecture.tree import shipped, text

pytestmark = pytest.mark.conformance

EXPECTED = Path(__file__).with_name("expected-failures.yml")
ENTRIES = frozenset(yaml.safe_load(EXPECTED.read_text())["server"])
NEWER = {
    "server-sse-polling",
    "server-sse-multiple-streams",
    "elicitation-sep1034-defaults",
    "elicitation-sep1330-enums",
}
"""Entries whose scenarios begin with 2025-11-25."""

LISTS = ("tools-list", "resources-list", "prompts-list")
HANDSHAKE = ("server-initialize", "ping", *LISTS)
GENERIC = {
    "2025-06-18": (*HANDSHAKE, "server-session-lifecycle"),
    "2025-11-25": (
        *HANDSHAKE,
        "server-session-lifecycle",
        "server-sse-multiple-streams",
        "dns-rebinding-protection",
    ),
    "2026-07-28": (
        *LISTS,
        "server-stateless",
        "server-sse-multiple-streams",
        "sep-2164-resource-not-found",
        "dns-rebinding-protection",
        "caching",
        "http-header-validation",
        "input-required-result-unsupported-methods",
    ),
}
"""Scenarios that need no fixtures."""
NEEDS_FIXTURES = {
    "sep-2575-server-rejects-undeclared-capability",
    "sep-2575-missing-capability-http-400",
    "sep-2575-http-server-no-independent-requests-on-stream",
    "sep-2575-server-no-log-without-loglevel",
    "sep-2575-server-sends-tools-list-changed-on-subscription",
    "sep-2575-server-sends-prompts-list-changed-on-subscription",
}
"""Checks of `server-stateless` that do: they call tools of the suite's own."""


@pytest.mark.proves(
    "capabilities.kept",
    "rounds.ask",
    "subscriptions.acknowledged",
    "tools.schemas-untouched",
    "caching.lists",
)
def test_the_newest_wire_passes_whole_with_nothing_excused(suite: Suite, fixtures: str, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.yml"
    nothing.write_text("server: []\n")

    run = suite.run(fixtures, "2026-07-28", "--expected-failures", nothing)

    assert run.result == (0, 152, 0), run.output


@pytest.mark.proves("lifecycle.agrees", "results.bare")
@pytest.mark.parametrize(
    ("version", "result", "not_run"),
    [
        ("2025-11-25", (0, 59, 8), set()),
        ("2025-06-18", (0, 46, 6), NEWER),
    ],
)
def test_an_older_wire_lacks_only_what_takes_a_session(
    suite: Suite, fixtures: str, version: str, result: tuple[int, int, int], not_run: set[str]
) -> None:
    run = suite.run(fixtures, version, "--expected-failures", EXPECTED)

    assert run.result == result, run.output
    assert run.excused == ENTRIES - not_run, run.output


def test_the_first_streamable_wire_lacks_no_more_than_the_next(suite: Suite, fixtures: str) -> None:
    """The program has one scenario for 2025-03-26; those of the next version are run on this wire one by one."""
    run = suite.forced(fixtures, "2025-03-26", suite.scenarios("2025-06-18"), "--expected-failures", EXPECTED)

    assert run.result == (0, 46, 6), run.output
    assert run.excused == ENTRIES - NEWER, run.output


def test_an_excuse_that_is_not_needed_any_more_is_a_failure(suite: Suite, fixtures: str, tmp_path: Path) -> None:
    stale = tmp_path / "stale.yml"
    stale.write_text(EXPECTED.read_text() + "  - ping\n")

    run = suite.run(fixtures, "2025-11-25", "--scenario", "ping", "--expected-failures", stale)

    assert run.result == (1, 2, 0), run.output


@pytest.mark.parametrize("version", GENERIC)
def test_the_demo_passes_whatever_needs_no_fixtures(suite: Suite, demo: str, version: str) -> None:
    run = suite.run(demo, version)
    looked_at = [check for check in run.checks if check.scenario in GENERIC[version]]
    excused = {"server-sse-multiple-streams-session"} if version != "2026-07-28" else NEEDS_FIXTURES

    assert {check.scenario for check in looked_at} == set(GENERIC[version]), run.output
    assert [
        check for check in looked_at if check.status not in {"SUCCESS", "INFO"} and check.id not in excused
    ] == [], run.output


def test_the_demo_passes_on_the_first_streamable_wire(suite: Suite, demo: str) -> None:
    run = suite.forced(demo, "2025-03-26", HANDSHAKE)

    assert (run.code, run.failed) == (0, 0), run.output
    assert {check.scenario for check in run.checks if check.status == "SUCCESS"} == set(HANDSHAKE)


def test_no_fixture_is_anywhere_in_what_ships() -> None:
    (phase,) = fixture_roadmap().phases
    names = {*phase.tools, *phase.prompts, *(resource.uri for resource in phase.resources.values())}
    sources = {name: text(name) for name in shipped(".py", ".toml")}

    assert len(names) > 30
    assert len(sources) > 100
    assert {(name, said) for name in names for said, source in sources.items() if name in source} == set()
    assert [said for said, source in sources.items() if "tests.external.conformance" in source] == []
