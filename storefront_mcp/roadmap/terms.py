"""What goes with a flip besides the status: why a phase is closed and until when, or for whom it is open."""

import datetime as dt
from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.roadmap.audience import BUCKETS, MAX_CLIENT_CHARS, bucket_of

MAX_REASON_CHARS: Final = 200
MIN_CLIENT_CHARS: Final = 2


class TermsRefused(ValueError):
    """Terms that cannot be recorded; the message says what is wanted."""


class FlipTerms(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Terms of a recorded status."""

    reason: str = ""
    """Why a phase is paused, as everybody may read it: in documents, errors and pages for buyers."""
    until: dt.datetime | None = None
    """When it is expected to open again, with an offset. Nothing opens by that alone."""
    share: float = 100.0
    """Of an open phase: for how many per cent of the callers; the others are shown `otherwise`."""
    clients: tuple[str, ...] = ()
    """Of an open phase: parts of the names of client programs for which it is open whatever the share."""
    otherwise: Literal["planned", "paused"] = "planned"

    @property
    def limited(self) -> bool:
        """Whether an open phase is open for a part of the callers only."""
        return self.share < 100  # noqa: PLR2004 -- per cent

    def admits(self, client: str, key: str) -> bool:
        """Whether an open phase is open for a client program, in lower case, with this bucketing key."""
        if not self.limited or any(name in client for name in self.clients):
            return True
        return bool(key) and bucket_of(key) < self.share * BUCKETS / 100

    @property
    def audience(self) -> str:
        """For whom an open phase is open: `10 % of the callers, and claude`; empty for everybody."""
        if not self.limited:
            return ""
        share = f"{self.share:g} % of the callers" if self.share else ""
        return ", and ".join(part for part in (share, ", ".join(self.clients)) if part) or "nobody"

    @property
    def expected(self) -> str:
        """`until` for people: `1 February 2027, 09:00 UTC`; empty without one."""
        if self.until is None:
            return ""
        at = self.until.astimezone(dt.UTC)
        return f"{at.day} {at:%B %Y, %H:%M} UTC"

    @property
    def sentences(self) -> str:
        """What a pause is, in one or two sentences."""
        why = f": {self.reason}" if self.reason else ""
        return f"Closed for now{why}." + (f" It is expected to open again on {self.expected}." if self.until else "")


NO_TERMS: Final = FlipTerms()


def audience_terms(share: float | None, clients: Sequence[str]) -> FlipTerms:
    """Terms of an opening, checked: named client programs only, unless a share is named too. Raises TermsRefused."""
    named = tuple(dict.fromkeys(" ".join(client.split()).lower() for client in clients))
    if any(not MIN_CLIENT_CHARS <= len(client) <= MAX_CLIENT_CHARS for client in named):
        raise TermsRefused(f"The name of a client program has {MIN_CLIENT_CHARS} to {MAX_CLIENT_CHARS} characters.")
    percent = (0.0 if named else 100.0) if share is None else share
    if not 0 <= percent <= 100:  # noqa: PLR2004 -- per cent
        raise TermsRefused("A share is a number of per cent from 0 to 100.")
    return FlipTerms(share=percent, clients=named)


def flip_terms(reason: str = "", until: dt.datetime | None = None, *, begins: dt.datetime | None = None) -> FlipTerms:
    """Terms of a pause, checked. `begins` is when, with an offset, where there is an `until`. Raises TermsRefused."""
    said = " ".join(reason.split())
    if len(said) > MAX_REASON_CHARS or not said.isprintable():
        raise TermsRefused(f"A reason has at most {MAX_REASON_CHARS} printable characters.")
    if until is not None and until.tzinfo is None:
        raise TermsRefused("An end is a date and time with an offset, such as 2027-02-01T09:00:00+10:00.")
    if until is not None and begins is not None and until <= begins:
        start = f"{begins.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        raise TermsRefused(f"A pause ends after it has begun, which is {start}; {until.isoformat()} is not later.")
    return FlipTerms(reason=said.rstrip("."), until=until)
