"""What docs/operators.md tells an operator to type at 3 a.m. works, and prints what it shows."""

from pathlib import Path

import pytest

from tests.guards.docs.markdown import ROOT, blocks
from tests.guards.docs.walkthrough import Walkthrough

PAGE = ROOT / "docs" / "operators.md"
STEPS = ("stop ", "doctor", "checkouts", "phases", "audit tail", "audit verify", "resume")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_way_through_the_night_can_be_followed(tmp_path: Path) -> None:
    with Walkthrough(tmp_path) as reader:
        for block in blocks(PAGE):
            if block.language == "console" or block.file is not None:
                reader.follow(block)


def test_each_step_of_the_night_shows_its_command_and_what_it_prints() -> None:
    run = "".join(one.text for one in blocks(PAGE) if one.language == "console" and one.not_run is None)

    for step in STEPS:
        _, found, after = run.partition(f"$ storefront-mcp {step}")
        assert found, step
        assert not after.partition("\n")[2].startswith("$ "), f"{step} shows nothing"
