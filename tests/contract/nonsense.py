"""Answers of a shop that make no sense, in one place each."""

import random
from typing import Any

STRANGE: list[Any] = [
    *(None, True, [], {}, [[]], [None], {"0": 1}, 0, -1, 2**70, 1e308, 0.5),
    *("", "NaN", "-5", "9" * 18, "9" * 40, "1e999", "<b>&#0;</b>", "\u202e", "variable", "variation", "x" * 30_000),
]
"""What may stand in the place of anything."""


def spoil(value: Any, chance: random.Random) -> Any:
    """The value with something strange in one place, which is any."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(list(value))
        return {**value, name: spoil(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        return [*value[:at], spoil(value[at], chance), *value[at + 1 :]]
    return chance.choice(STRANGE)
