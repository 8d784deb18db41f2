"""No text makes a regular expression of ours take the square of its length: each is tried on what it likes least."""

import ast
import importlib
import itertools
import logging
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Struct

from storefront_mcp.identity.redaction import MAX_LOGGED_CHARACTERS, redact_logs, redact_secrets
from tests.guards.architecture.tree import installed

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).parents[3]
PACKAGES: Final = ("storefront_mcp", "cards", "phases")
FUNCTIONS: Final = frozenset({"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"})
SHORT, LONG = 6_000, 24_000
"""Characters: four times as many may take four times as long, not sixteen times."""
MAX_GROWTH: Final = 9.0
NOTICEABLE_SECONDS: Final = 0.003
"""Of this thread, for the short text: quicker ones take no square."""
COMMON: Final = (" ", "a", "-", "0", "\n")
BUILT_ELSEWHERE: Final = frozenset(
    {"storefront_mcp.cards.rules.text_rules", "storefront_mcp.demo.http", "storefront_mcp.ucp.rest_transport"}
)
"""Where a pattern is put together from the tree's own words, and cannot be read off its call."""


class ExpressionUse(Struct, frozen=True):
    """A regular expression and the way it is applied."""

    where: str
    pattern: re.Pattern[Any]
    method: str

    def seconds(self, text: Any) -> float:
        """What it takes for a text, of this thread's time."""
        apply = getattr(self.pattern, self.method)
        began = time.thread_time()
        if self.method in {"sub", "subn"}:
            apply("" if isinstance(text, str) else b"", text)
        elif self.method == "finditer":
            for _ in apply(text):
                pass
        else:
            apply(text)
        return time.thread_time() - began


class AnyName(dict[str, Any]):
    """Values of a module's names, and a word for every other."""

    def __missing__(self, name: str) -> Any:
        if name in __builtins__:  # type: ignore[operator]  # a mapping in an imported module
            raise KeyError(name)
        return "word"


def expression_uses() -> tuple[list[ExpressionUse], set[str]]:
    """Every expression of the tree with each way it is applied, and modules with one that could not be read."""
    trees = {
        installed(str(path.relative_to(ROOT).with_suffix(""))).replace("/", "."): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.name != "__main__.py"
    }
    applied: defaultdict[str, set[str]] = defaultdict(set)
    for node in itertools.chain.from_iterable(map(ast.walk, trees.values())):
        if isinstance(node, ast.Attribute) and node.attr in FUNCTIONS:
            owners = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
            for owner in owners:
                applied[owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")].add(node.attr)
    found, unread = [], set()
    for module, tree in trees.items():
        names = {
            id(node.value): target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name) and node.value is not None
        }
        for call, function in regular_expression_calls(tree):
            values = AnyName(vars(importlib.import_module(module.removesuffix(".__init__"))))
            try:
                pattern = compiled(call, function, values)
            except Exception:  # noqa: BLE001 -- whatever it lacks
                unread.add(module)
                continue
            methods = applied[names.get(id(call), "")] or {"search"} if function == "compile" else {function}
            found += [ExpressionUse(f"{module}: {pattern.pattern!r}", pattern, method) for method in sorted(methods)]
    return found, unread


def regular_expression_calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Calls of functions of `re` that take a pattern, with the function's name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "re" and node.func.attr in {"compile", *FUNCTIONS}:
                yield node, node.func.attr


def compiled(call: ast.Call, function: str, values: AnyName) -> re.Pattern[Any]:
    """The pattern of a call, from the names that are in sight of it."""
    flags = [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
    if function == "compile":
        flags += call.args[1:]
    arguments = [eval(compile(ast.Expression(each), "", "eval"), {}, values) for each in (call.args[0], *flags)]
    return re.compile(*arguments)


def fragments(pattern: re.Pattern[Any]) -> list[str]:
    """Pieces of text that a pattern is about: its words, its signs, and what is common."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    words = re.findall(r"[A-Za-z0-9_]{2,}|[^\w\s]|[A-Za-z]", re.sub(r"\\[a-zA-Z]|\(\?[a-zA-Z]+\)", " ", source))
    return list(
        dict.fromkeys(
            (*[word for word in words if len(word) > 1][:4], *[word for word in words if len(word) == 1][:8], *COMMON)
        )
    )


def unkind_texts(pattern: re.Pattern[Any], characters: int) -> Iterator[Any]:
    """Texts of a length that make naive patterns look again and again at the same characters."""
    for one, other in itertools.product(fragments(pattern), repeat=2):
        for text in (one + other * (characters // len(other)), (one + other) * (characters // len(one + other))):
            whole = text + "\x01"
            yield whole if isinstance(pattern.pattern, str) else whole.encode()


def excesses(use: ExpressionUse) -> Iterator[str]:
    """A line for each text that takes more than its share when it is longer."""
    for number, text in enumerate(unkind_texts(use.pattern, SHORT)):
        if use.seconds(text) < NOTICEABLE_SECONDS:
            continue
        longer = next(itertools.islice(unkind_texts(use.pattern, LONG), number, None))
        short = min(use.seconds(text) for _ in range(3))
        growth = min(use.seconds(longer) for _ in range(2)) / max(short, 1e-4)
        if growth >= MAX_GROWTH:
            yield f"{use.where} {use.method}: {growth:.0f} times as long for {text[:40]!r}…"


@pytest.fixture(scope="module")
def found() -> tuple[list[ExpressionUse], set[str]]:
    return expression_uses()


def test_every_expression_of_the_tree_is_found(found: tuple[list[ExpressionUse], set[str]]) -> None:
    uses, unread = found
    assert unread <= BUILT_ELSEWHERE
    assert len(uses) > 60
    assert any("redaction" in use.where for use in uses)


def test_no_expression_takes_more_than_its_share_of_a_longer_text(found: tuple[list[ExpressionUse], set[str]]) -> None:
    assert not list(itertools.chain.from_iterable(map(excesses, found[0])))


@pytest.mark.parametrize("source", [r"\beyJ[\w-]{8,}\.", r"\s+$", r"[a-z]+@"])
def test_an_expression_that_takes_the_square_is_noticed(source: str) -> None:
    assert next(excesses(ExpressionUse("a bad one", re.compile(source), "search")))


def test_redaction_takes_no_more_than_its_share_of_a_longer_text() -> None:
    texts = ["-eyJ", "eyJ", "eyJaaaaaaaaa.", "access_token= ", "bearer ", "sfm_", "a", ".", "-eyJa."]

    def seconds(text: str) -> float:
        began = time.thread_time()
        redact_secrets(text)
        return time.thread_time() - began

    for text in texts:
        short = min(seconds(text * (SHORT // len(text))) for _ in range(3))
        long = min(seconds(text * (LONG // len(text))) for _ in range(3))
        assert long < NOTICEABLE_SECONDS or long / max(short, 1e-4) < MAX_GROWTH, text


def test_what_is_logged_is_bounded() -> None:
    factory = logging.getLogRecordFactory()
    try:
        redact_logs()
        make = logging.getLogRecordFactory()
        record = make("a", logging.INFO, "a.py", 1, "%s failed", ("/" + "-eyJ" * 16_000,), None)
        assert len(record.getMessage()) < MAX_LOGGED_CHARACTERS + 100
        assert "more characters" in record.getMessage()
    finally:
        logging.setLogRecordFactory(factory)
