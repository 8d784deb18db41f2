"""What a server stands on is no garbage, and is not looked through for any while it serves."""

import gc
from typing import Final

PORTION: Final = 10_000
"""New objects after which the young ones are looked through; Python's own 700 is a call or two."""


def spare_what_stands() -> None:
    """To be called once in a process that serves, when all is made.

    The collector would go through every module and every page again and again, and each time hold up all calls under
    way for some seventy milliseconds. What is made from now on is collected as ever.
    """
    gc.freeze()
    gc.set_threshold(PORTION, *gc.get_threshold()[1:])
