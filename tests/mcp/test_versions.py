"""Versions are data, and one module writes their dates."""

import re
from pathlib import Path

import mcp_types.version as theirs
import pytest

from storefront_mcp.mcp import versions
from storefront_mcp.mcp.versions import ASSUMED, LEGACY, MODERN, OFFERED, STREAMABLE
from tests.mcp.asking import HANDSHAKE, VERSIONS

ROOT = Path(versions.__file__).parents[2]
DATES = re.compile("|".join(VERSIONS))


def code_of(path: Path) -> str:
    """A module without its comments and docstrings, which may cite."""
    return re.sub(r'"""(?:.|\n)*?"""|#[^\n]*', "", path.read_text(encoding="utf-8"))


def test_only_one_module_writes_the_dates() -> None:
    modules = [path for room in ("storefront_mcp", "cards", "phases") for path in (ROOT / room).rglob("*.py")]
    writers = {path.relative_to(ROOT).as_posix() for path in modules if DATES.search(code_of(path))}
    assert len(modules) > 50
    assert writers == {"storefront_mcp/mcp/versions.py"}


def test_we_speak_what_the_sdk_speaks() -> None:
    assert (*LEGACY, *MODERN) == VERSIONS == tuple(theirs.KNOWN_PROTOCOL_VERSIONS)
    assert tuple(LEGACY) == HANDSHAKE
    assert OFFERED.id == HANDSHAKE[-1]


def test_the_oldest_is_not_spoken_over_one_endpoint() -> None:
    assert VERSIONS[1:] == STREAMABLE


@pytest.mark.parametrize(
    ("behaviour", "versions_with_it"),
    [
        ("handshake", HANDSHAKE),
        ("streamable", VERSIONS[1:]),
        ("accepts_batches", ("2025-03-26",)),
        ("annotates_tools", VERSIONS[1:]),
        ("structures_results", VERSIONS[2:]),
        ("dresses_results", ("2026-07-28",)),
        ("refuses_by_status", ("2026-07-28",)),
    ],
)
def test_each_behaviour_belongs_to_its_versions(behaviour: str, versions_with_it: tuple[str, ...]) -> None:
    every = {**LEGACY, **MODERN}
    assert tuple(name for name, version in every.items() if getattr(version, behaviour)) == versions_with_it


def test_a_client_that_names_no_version_is_taken_for_the_first_with_one_endpoint() -> None:
    assert ASSUMED.id == "2025-03-26"
