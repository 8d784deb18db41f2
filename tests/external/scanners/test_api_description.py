"""`/openapi.json` as its readers' own linters see it, and the server as schemathesis tries it by that description."""

import subprocess
from pathlib import Path

import pytest

from tests.external.scanners.running import BIN, node, read, report

pytestmark = pytest.mark.scanners

PACKAGES = Path(__file__).parents[2] / "node" / "node_modules"
ACCEPTED = {
    # What a shop's agents may do with its API is no licence of a text or a program.
    "info-license",
}
"""Rules of redocly's recommended set that do not hold."""
WHILE_PLANNED = {"operation-success-response", "operation-2xx-response"}
"""Rules that do not hold while nothing is open: the endpoint answers 503 and nothing else."""
SCHEMATHESIS = """
[[operations]]
include-name = "POST /mcp"
# A JSON-RPC error is sent with 200, as clients of older versions read no body otherwise.
checks.negative_data_rejection.enabled = false
"""


def description(shop: str, folder: Path) -> Path:
    path = folder / "openapi.json"
    path.write_bytes(read(f"{shop}/openapi.json"))
    return path


def test_spectral_finds_nothing_once_the_shop_is_open(shop: str, open_shop: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("extends: ['spectral:oas']\n")
    program = PACKAGES / "@stoplight" / "spectral-cli" / "dist" / "index.js"
    arguments = ("lint", description(shop, tmp_path), "--ruleset", rules, "--format", "json", "--quiet")
    found = {problem["code"] for problem in report(node(program, *arguments, cwd=tmp_path))}

    assert found <= (set() if shop == open_shop else WHILE_PLANNED)


def test_redocly_finds_nothing_but_what_is_accepted(
    shop: str, open_shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDOCLY_TELEMETRY", "off")
    monkeypatch.setenv("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
    program = PACKAGES / "@redocly" / "cli" / "bin" / "cli.js"
    found = report(node(program, "lint", description(shop, tmp_path), "--format", "json", cwd=tmp_path))

    assert {problem["ruleId"] for problem in found["problems"]} <= ACCEPTED | (
        set() if shop == open_shop else WHILE_PLANNED
    )


@pytest.mark.slow
def test_schemathesis_meets_only_what_is_described(open_shop: str, tmp_path: Path) -> None:
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SCHEMATHESIS)
    finished = subprocess.run(
        [
            *(BIN / "schemathesis", "--config-file", settings, "run", f"{open_shop}/openapi.json"),
            *("--max-examples", "10", "--seed", "1", "--suppress-health-check", "all", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )

    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr
    assert "Selected: " in finished.stdout
