"""Ctrl-C while the program is still being loaded: it ends by the signal, and prints no traceback.

The package imports this before anything that takes long. Python ends by SIGINT after an interrupt that nobody caught,
and shells call that exit code 130.
"""

import sys
from types import TracebackType


def print_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """`sys.excepthook`, but for interrupts, of which nothing is printed."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


if sys.excepthook is sys.__excepthook__:
    sys.excepthook = print_uncaught
