"""What the tree looks like: its files, its modules and the words they are named with."""

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGE = "storefront_mcp"
FOLDERS = (PACKAGE, "cards", "phases")
"""Where the package's files are; the last two are its subpackages (ADR 2)."""
NEVER_OURS = {".git", ".venv", "node_modules", "__pycache__", "build", "dist"}


@functools.cache
def files() -> tuple[str, ...]:
    """Every file that is tracked or about to be, relative to the root; in an unpacked archive, every file."""
    asked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if asked.returncode == 0:
        return tuple(sorted(name for name in asked.stdout.split("\0") if (ROOT / name).is_file()))
    everything = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return tuple(sorted(str(path) for path in everything if not NEVER_OURS & set(path.parts)))


def shipped(*suffixes: str) -> tuple[str, ...]:
    """The files of the package, optionally only those that end so."""
    inside = tuple(f"{folder}/" for folder in FOLDERS)
    return tuple(name for name in files() if name.startswith(inside) and (not suffixes or name.endswith(suffixes)))


def installed(name: str) -> str:
    """Where a file of the tree is in the wheel."""
    return name if name.startswith(f"{PACKAGE}/") else f"{PACKAGE}/{name}"


def text(name: str) -> str:
    """The text of a file; bytes that are no text are of no interest here."""
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


@functools.cache
def parsed(name: str) -> ast.Module:
    return ast.parse(text(name), filename=name)


def definitions(name: str) -> Iterator[str]:
    """The names a module gives to itself, its classes and its functions."""
    yield from Path(name).with_suffix("").parts
    for node in ast.walk(parsed(name)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def words(name: str) -> set[str]:
    """The words in a snake_case or CamelCase name, in the singular too: `HTTPHelpers` → http, helpers, helper."""
    found = {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)}
    return found | {word.removesuffix("s") for word in found} | {word.removesuffix("es") for word in found}
