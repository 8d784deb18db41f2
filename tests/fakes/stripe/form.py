"""Stripe's request bodies: `metadata[checkout_id]=chk_1&line_items[0][quantity]=1`, read into a tree."""

import re
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.stripe.refusals import Refused

NAME = re.compile(r"[^\[\]]+|\[[^\[\]]*\]")


def read_form(text: str) -> dict[str, Any]:
    """A tree of dictionaries, lists and strings; every leaf is a string."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=500):
        parts = [part.strip("[]") for part in NAME.findall(name)]
        at = tree
        for part in parts[:-1]:
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                raise Refused("Invalid form encoding", param=name)
        if parts[-1] in at:
            raise Refused("Repeated parameter", param=name)
        at[parts[-1]] = value
    listed: dict[str, Any] = _listed(tree)
    return listed


def _listed(tree: Any) -> Any:
    """Dictionaries whose keys are 0, 1, 2 … are lists."""
    if not isinstance(tree, dict):
        return tree
    branches = {name: _listed(value) for name, value in tree.items()}
    if branches and list(branches) == [str(number) for number in range(len(branches))]:
        return list(branches.values())
    return branches
