"""What is said while it works: one line that moves on a terminal, two lines elsewhere, and how it fails."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO


class SetupFailed(Exception):
    """The environment could not be made; the message says why and what to do."""


class ProgressLine:
    """One line of standard error, written over and over; where that is no terminal, the first text alone."""

    def __init__(self, title: str, *, stream: TextIO | None = None) -> None:
        self._title = title
        self._stream = sys.stderr if stream is None else stream
        self._moves = self._stream.isatty()
        self._began = time.monotonic()
        self._shown = ""

    def __enter__(self) -> Self:
        if not self._moves:
            self._write(f"{self._title} …\n")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._moves:
            self._write("\r\033[K")
        if error is None:
            self._write(f"{self._title}: done in {self.seconds} s.\n")

    @property
    def seconds(self) -> int:
        """Since it began, rounded up."""
        return int(time.monotonic() - self._began) + 1

    def show(self, step: str) -> None:
        """What is being done now."""
        text = f"{self._title} … {step} ({self.seconds} s)"
        if self._moves and text != self._shown:
            self._shown = text
            self._write(f"\r\033[K{text[:100]}")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            self._stream.write(text.replace("…", "..."))
        self._stream.flush()
