"""Trees of exceptions: as a docstring draws them and as the classes grow."""

import re


def drawn(docstring: str | None) -> dict[str, str | None]:
    """Class name to its parent's, read off a drawing with box characters."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in (docstring or "").splitlines():
        found = re.match(r"^((?:│   |    |├── |└── )*)([A-Z]\w+)(?:\s{2,}\S.*)?$", line)
        if found:
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            parents[found[2]] = path[depth - 1] if depth else None
    return parents


def grown(root: type[Exception]) -> dict[str, str | None]:
    """Class name to its parent's, read off the classes of the root's own module."""
    parents: dict[str, str | None] = {root.__name__: None}
    for child in root.__subclasses__():
        if child.__module__ == root.__module__:
            parents |= grown(child) | {child.__name__: root.__name__}
    return parents
