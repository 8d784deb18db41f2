"""Run the official conformance program against a server and read what it found."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from msgspec import Struct

from tests.external.scanners.running import node
from tests.programs import NODE

SECONDS: Final = 60
"""For one run of the program; it takes about two."""
COUNTED: Final = re.compile(
    r"^(?:Total: (\d+) passed, (\d+) failed|Passed: (\d+)/\d+, (\d+) failed, .*)$", re.MULTILINE
)
"""Of several scenarios, and of one."""
EXCUSED: Final = re.compile(r"^ {2}~ (\S+)$", re.MULTILINE)
FOLDER: Final = re.compile(r"(?:authorization-)?server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
SIGN_IN_SECONDS: Final = 120
AUTHORIZE_PATH: Final = "/oauth/authorize?"
LISTED: Final = re.compile(r"^ {2}- (\S+) \[(\S+)\]$", re.MULTILINE)


class Check(Struct, frozen=True):
    """One thing that was looked at."""

    scenario: str
    id: str
    status: str
    complaint: str


class Run(Struct, frozen=True):
    """What came of one run of the program."""

    code: int
    """0 when nothing failed that was not excused, and nothing excused passed."""
    passed: int
    failed: int
    excused: frozenset[str]
    """Scenarios that failed and were expected to."""
    checks: tuple[Check, ...]
    output: str

    @property
    def result(self) -> tuple[int, int, int]:
        """Exit code, checks that passed, checks that failed."""
        return self.code, self.passed, self.failed


class Suite(Struct, frozen=True):
    """The program, and a folder for what it writes."""

    tools: Path
    results: Path

    def run(self, origin: str, version: str, *options: object) -> Run:
        """All scenarios of a version, or as the options say."""
        chosen = options if "--scenario" in options else ("--suite", "all", *options)
        results = self.results / f"{version}-{'-'.join(map(str, options))}".replace(os.sep, "_")
        arguments = ("--url", f"{origin}/mcp", "--spec-version", version, *chosen, "-o", results)
        finished = node(self._program, "server", *arguments, cwd=self.results, seconds=SECONDS)
        output = finished.stdout + finished.stderr
        counted = COUNTED.search(output)
        assert counted, output
        passed, failed = (int(number) for number in counted.groups() if number is not None)
        return Run(
            code=finished.returncode,
            passed=passed,
            failed=failed,
            excused=frozenset(EXCUSED.findall(output)),
            checks=tuple(_checks(results)),
            output=output,
        )

    def forced(self, origin: str, version: str, scenarios: Iterable[str], *options: object) -> Run:
        """Scenarios that the program would not run for this version by itself, added up."""

        def one(scenario: str) -> Run:
            return self.run(origin, version, "--scenario", scenario, "--force", *options)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = list(pool.map(one, scenarios))
        return Run(
            code=max(run.code for run in runs),
            passed=sum(run.passed for run in runs),
            failed=sum(run.failed for run in runs),
            excused=frozenset().union(*(run.excused for run in runs)),
            checks=tuple(check for run in runs for check in run.checks),
            output="\n".join(run.output for run in runs),
        )

    def authorize(self, origin: str, version: str, *, client: str, port: int, sign_in: Callable[[str], None]) -> Run:
        """The scenarios for authorization servers; `sign_in` does what a person does with the URL that is printed.

        The program takes the answer at `port`.
        """
        results = self.results / f"authorization-{version}"
        words = (self._program, "authorization", "--url", origin, "--spec-version", version, "--client-id", client)
        with subprocess.Popen(
            [NODE, *words, "--port", str(port), "--resource", f"{origin}/mcp", "-o", results],
            cwd=self.results,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as program:
            assert program.stdout is not None
            said = []
            try:
                for line in program.stdout:
                    said.append(line)
                    if AUTHORIZE_PATH in line:
                        sign_in(line.strip())
                code = program.wait(SIGN_IN_SECONDS)
            finally:
                program.kill()
        output = "".join(said)
        counted = COUNTED.findall(output)
        assert counted, output
        passed, failed = (int(number) for number in counted[-1] if number)
        checks = tuple(_checks(results))
        return Run(code=code, passed=passed, failed=failed, excused=frozenset(), checks=checks, output=output)

    def listed(self, of: str) -> Sequence[str]:
        """The names of all scenarios of a kind: `--client`, `--server` or `--authorization`."""
        said = node(self._program, "list", of, cwd=self.results, seconds=SECONDS).stdout
        found = [name for name, _ in LISTED.findall(said)]
        assert found, said
        return found

    def scenarios(self, version: str) -> Sequence[str]:
        """The names of a version's scenarios."""
        listed = node(self._program, "list", "--server", "--spec-version", version, cwd=self.results, seconds=SECONDS)
        found = [name for name, versions in LISTED.findall(listed.stdout) if version in versions.split(",")]
        assert found, listed.stdout + listed.stderr
        return found

    @property
    def _program(self) -> Path:
        return self.tools / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"


def _checks(results: Path) -> Iterable[Check]:
    for written in sorted(results.glob("*/checks.json")):
        folder = FOLDER.fullmatch(written.parent.name)
        assert folder, written
        for check in json.loads(written.read_bytes()):
            yield Check(folder.group(1), check["id"], check["status"], check.get("errorMessage") or "")
