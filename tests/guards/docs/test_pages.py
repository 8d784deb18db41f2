"""Every page's links lead somewhere, its commands exist, and nothing that exists goes without a word."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from storefront_mcp.app import all_phases
from storefront_mcp.cli import main
from storefront_mcp.settings import Settings
from tests.guards.docs.markdown import PAGES, README, ROOT, anchors, blocks, code, is_generated, links

COMMAND = re.compile(r"(?<![\w./-])(?:\.venv/bin/)?storefront-mcp(?: +(?P<words>[^\n`;|&)#<>]*))?")
MAKE = re.compile(r"(?:^\$ |^|`)make ([a-z][a-z-]*)", re.MULTILINE)
FILE = re.compile(
    r"(?<!\S)((?:\.ci|cards|docs|phases|storefront_mcp|tests|tools(?!/list|/call)|benchmarks)/[\w./-]*)(?!\S)"
)
EXAMPLE = "p5_care"
"""The phase of docs/writing-a-phase.md."""
NEW = (EXAMPLE, "get_reviews.py", "backends/oscar/", "upstream_oscar.toml")
"""What pages show how to make; tests of their own walk those pages."""
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def commands(
    group: click.Command = main, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with its words."""
    if path:
        yield path, group
    if isinstance(group, click.Group):
        for name, command in subcommands(group).items():
            yield from commands(command, (*path, name))


def subcommands(group: click.Group) -> dict[str, click.Command]:
    """A group's commands by name, those too that are loaded when they are asked for."""
    asked = click.Context(group)
    found = {name: group.get_command(asked, name) for name in group.list_commands(asked)}
    return {name: command for name, command in found.items() if command is not None}


def check(words: str) -> None:
    """Parse a command line as far as a page shows it; what does not exist is refused."""
    written = [
        word
        for word in shlex.split(re.split(" {2,}", words)[0].rstrip(" \\.,:"))
        if "…" not in word and "[" not in word
    ]
    command: click.Command = main
    while isinstance(command, click.Group) and written and not written[0].startswith("-"):
        assert written[0] in subcommands(command), f"storefront-mcp has no command {written[0]}"
        command = subcommands(command)[written.pop(0)]
        options = known_options(command)
        while isinstance(command, click.Group) and written and written[0].startswith("-"):
            flag = written.pop(0).partition("=")[0]
            assert flag in options, f"{command.name} has no option {flag}"
            if not options[flag].is_flag and written:
                written.pop(0)
    options = {**known_options(command), "--help": None, "-h": None, "--version": None}
    for word in written:
        if word.startswith("-") and word != "-":
            assert word.partition("=")[0] in options, f"{command.name} has no option {word}"
        elif re.fullmatch(r"p\d_\w+", word) and word != EXAMPLE:
            assert word in {phase.name for phase in all_phases()}, f"there is no phase {word}"


def known_options(command: click.Command) -> Mapping[str, click.Option]:
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    return {flag: option for option in options for flag in (*option.opts, *option.secondary_opts)}


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    for target in links(page):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / unquote(path)).resolve() if path else page
        assert file.exists(), f"{target} does not exist"
        assert file.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(file), f"{target}: {file.name} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_options_and_files_on_a_page_exist(page: Path) -> None:
    shown = code(page)
    for found in COMMAND.finditer(shown):
        check(found["words"] or "")
    for target in MAKE.findall(shown):
        assert re.search(rf"^{target}:|^KINDS .*\b{target}\b", (ROOT / "Makefile").read_text(), re.MULTILINE), target
    for file in FILE.findall(shown):
        assert any(new in file for new in NEW) or (ROOT / file).exists(), f"there is no {file}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_settings_on_a_page_are_settings(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.file == "storefront.toml":
            written = tmp_path / block.file
            written.write_text(block.text, encoding="utf-8")
            assert Settings.load(written, {}).stores


def test_every_command_and_option_of_the_command_line_is_documented() -> None:
    written = "\n".join(code(page) for page in PAGES)

    for path, command in commands():
        assert re.search(rf"storefront-mcp {' '.join(path)}\b", written), f"storefront-mcp {' '.join(path)}"
        for flag in known_options(command):
            assert flag in written, f"storefront-mcp {' '.join(path)} {flag}"


def test_every_tool_and_every_phase_is_documented() -> None:
    roadmap, agents = ((ROOT / name).read_text(encoding="utf-8") for name in ("ROADMAP.md", "docs/agents.md"))

    for phase in all_phases():
        assert phase.name in roadmap
        for promise in phase.manifest.tools:
            assert f"`{promise.name}`" in roadmap
        for tool in phase.tools:
            assert f"### {tool}\n" in agents


def test_every_decision_is_listed(update_goldens: bool) -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    titles = [(path, path.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")) for path in decisions]
    made = "\n".join(f"- [{title}](adr/{path.name})" for path, title in titles)

    assert is_generated(ROOT / "docs" / "README.md", "decisions", made, update=update_goldens) == made, (
        "run make goldens"
    )


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    ahead = [README]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        ahead += [
            (page.parent / unquote(target.partition("#")[0])).resolve() for target in links(page) if "://" not in target
        ]

    assert set(PAGES) <= seen


@pytest.mark.parametrize("words", ["serves", "serve --prot 1", "phases --jsn", "phases open p9_nothing"])
def test_the_check_finds_what_does_not_exist(words: str) -> None:
    with pytest.raises(AssertionError):
        check(words)
