"""Emergency stops: what is closed at once, whatever the flips say, until the store is resumed."""

import datetime as dt
from typing import Literal

from msgspec import Struct

from storefront_mcp.roadmap.roadmap import Phase
from storefront_mcp.roadmap.terms import FlipTerms

StopScope = Literal["everything", "buying", "client"]
"""everything: every phase, and payment. buying: the phases with tools that write, and payment. client: one program."""


class EmergencyStop(Struct, frozen=True, kw_only=True):
    """A stop in force."""

    number: int
    """In one sequence with the numbers of flips."""
    scope: StopScope
    client: str = ""
    """Part of the name of a client program, in lower case; empty unless the scope is `client`."""
    reason: str = ""
    by: str
    at: dt.datetime

    @property
    def terms(self) -> FlipTerms:
        """What a phase that it closes is shown with."""
        return FlipTerms(reason=self.reason)

    @property
    def ends_payment(self) -> bool:
        """Whether nobody can pay while it is in force."""
        return self.scope != "client"

    @property
    def title(self) -> str:
        """For people: `everything`, `cart and payment`, `the program "claude"`."""
        return {"everything": "everything", "buying": "cart and payment"}.get(
            self.scope, f'the program "{self.client}"'
        )

    def closes(self, phase: Phase, client: str) -> bool:
        """Whether it closes a phase for a client program, in lower case."""
        if self.scope == "client":
            return self.client in client
        return self.scope == "everything" or any(tool.writes for tool in phase.tools.values())
