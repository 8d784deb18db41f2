"""Versions are data, and one module writes their dates."""

import re
from pathlib import Path

import mcp_types.version as theirs
import pytest

from storefront_mcp.mcp import versions
from storefront_mcp.mcp.versions import (
    DEFAULT_NEGOTIATED_VERSION,
    HANDSHAKE_VERSIONS,
    LATEST_HANDSHAKE_VERSION,
    MODERN_VERSIONS,
    STREAMABLE_HTTP_VERSIONS,
)
from tests.unit.mcp.requests import HANDSHAKE, VERSIONS

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
    assert (*HANDSHAKE_VERSIONS, *MODERN_VERSIONS) == VERSIONS == tuple(theirs.KNOWN_PROTOCOL_VERSIONS)
    assert tuple(HANDSHAKE_VERSIONS) == HANDSHAKE
    assert LATEST_HANDSHAKE_VERSION.id == HANDSHAKE[-1]


def test_the_oldest_is_not_spoken_over_one_endpoint() -> None:
    assert VERSIONS[1:] == STREAMABLE_HTTP_VERSIONS


@pytest.mark.parametrize(
    ("behaviour", "versions_with_it"),
    [
        ("handshake", HANDSHAKE),
        ("streamable", VERSIONS[1:]),
        ("jsonrpc_batches", ("2025-03-26",)),
        ("tool_annotations", VERSIONS[1:]),
        ("structured_content", VERSIONS[2:]),
        ("result_envelope", ("2026-07-28",)),
        ("error_http_status", ("2026-07-28",)),
    ],
)
def test_each_behaviour_belongs_to_its_versions(behaviour: str, versions_with_it: tuple[str, ...]) -> None:
    every = {**HANDSHAKE_VERSIONS, **MODERN_VERSIONS}
    assert tuple(name for name, version in every.items() if getattr(version, behaviour)) == versions_with_it


def test_a_client_that_names_no_version_is_taken_for_the_first_with_one_endpoint() -> None:
    assert DEFAULT_NEGOTIATED_VERSION.id == "2025-03-26"
