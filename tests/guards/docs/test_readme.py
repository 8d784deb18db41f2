"""What README.md tells a newcomer to type works, and prints what it shows."""

from pathlib import Path

import pytest

from storefront_mcp.app import server_identity
from storefront_mcp.cards.site.snippets import snippets
from storefront_mcp.settings.demo import demo_settings
from tests.guards.docs.markdown import README, blocks, is_generated
from tests.guards.docs.walkthrough import Walkthrough
from tests.programs import program

CHECKED = {"console", "python", "toml"}
CONFIGURES = "<!-- not run: it configures a client that is not installed here -->\n"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_newcomer_can_follow_the_readme_from_top_to_bottom(tmp_path: Path) -> None:
    for used in ("curl", "make"):
        program(used)
    followed = 0
    with Walkthrough(tmp_path) as reader:
        for block in blocks(README):
            if block.language in CHECKED:
                reader.follow(block)
                followed += 1
    assert followed >= 8


def test_most_of_the_readme_is_run() -> None:
    checked = [block for block in blocks(README) if block.language in CHECKED]
    skipped = [block for block in checked if block.not_run is not None]

    assert len(checked) >= 8
    assert len(skipped) <= 2
    assert {block.language for block in blocks(README)} <= CHECKED | {"json", "sh"}


def test_the_connection_snippets_are_those_of_the_landing_page(tmp_path: Path, update_goldens: bool) -> None:
    settings = demo_settings(8000, state=tmp_path).stores[0]
    made = "\n\n".join(
        f"**{snippet.client}**, {snippet.place}:\n\n{CONFIGURES if snippet.language in CHECKED else ''}"
        f"```{snippet.language}\n{snippet.text}\n```"
        for snippet in snippets(settings.store(server_identity(settings)))
        if snippet.client != "curl"
    )

    assert is_generated(README, "snippets", made, update=update_goldens) == made
