"""Read our Markdown: blocks of code, headings, links, and the sections that are generated."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec import Struct

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
SECURITY = ROOT / "SECURITY.md"
PAGES = (
    README,
    ROOT / "ROADMAP.md",
    ROOT / "CHANGELOG.md",
    CONTRIBUTING,
    SECURITY,
    ROOT / "tests" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)

_PARSER = MarkdownIt("commonmark").enable("table")
_NOT_RUN = re.compile(r"<!-- not run: (\S.*\S) -->")
_FILE_NAME = re.compile(r"^# ([\w./-]+\.(?:py|toml))$")
_SECTION = "<!-- generated: {0} -->\n{1}<!-- end of {0} -->"


class Block(Struct, frozen=True, kw_only=True):
    """A fenced block of code."""

    language: str
    text: str
    line: int
    not_run: str | None
    """Why nobody runs it, as the comment right above says."""

    @property
    def file(self) -> str | None:
        """The file that this block is the content of, when its first line names one."""
        named = _FILE_NAME.match(self.text.split("\n", 1)[0])
        return named.group(1) if named else None


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, in order."""
    before: str | None = None
    for token in _tokens(page):
        if token.type == "fence":
            line = 0 if token.map is None else token.map[0] + 1
            yield Block(language=token.info.strip(), text=token.content, line=line, not_run=before)
        said = _NOT_RUN.fullmatch(token.content.strip()) if token.type == "html_block" else None
        before = said.group(1) if said else None


def anchors(page: Path) -> set[str]:
    """What `#…` may follow a page's address: its headings, as GitHub spells them."""
    tokens = _tokens(page)
    titles = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> Iterator[str]:
    """Every link's and picture's target."""
    for token in _tokens(page):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target is not None:
                yield str(target)


def code(page: Path) -> str:
    """Everything a page sets as code, blocks and words."""
    spans = [child.content for token in _tokens(page) for child in token.children or () if child.type == "code_inline"]
    return "\n".join([*(block.text for block in blocks(page)), *spans])


def is_generated(page: Path, name: str, made: str, *, update: bool) -> str:
    """The text of a page's generated section; `update` puts `made` in its place first."""
    text = page.read_text(encoding="utf-8")
    found = re.search(_SECTION.format(name, "(.*?)"), text, re.DOTALL)
    assert found, f"{page.name} has no generated section {name}"
    if update:
        written = _SECTION.format(name, f"\n{made.strip()}\n\n")
        page.write_text(text[: found.start()] + written + text[found.end() :], encoding="utf-8")
        return made.strip()
    return found.group(1).strip()


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _tokens(page: Path) -> list[Token]:
    return _PARSER.parse(page.read_text(encoding="utf-8"))
