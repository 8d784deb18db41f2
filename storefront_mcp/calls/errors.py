"""Why a call did not come as far as its tool.

CallError
├── UnknownTool
├── NotOpenYet
├── ScopeMissing        the caller may not; carries the scope that it takes
├── ArgumentsRefused
├── TooOften            a limit was hit; carries which one and for how long
└── CallFailed          a fault of ours; what happened is in the log only
"""

from msgspec import Struct

from storefront_mcp.calls.limits import Refusal
from storefront_mcp.calls.watching import request_id
from storefront_mcp.roadmap.roadmap import Phase


class CallError(Exception):
    """A call that did not run. `str(error)` is for the agent."""


class UnknownTool(CallError):
    """A name that no phase promises."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown tool: {name[:64]}")


class NotOpenYet(CallError):
    """A promised tool whose phase is closed."""

    def __init__(self, tool: str, phase: Phase) -> None:
        state = {
            "planned": "is planned and not open yet",
            "paused": "is paused by the shop for now",
            "active": "is open, but this tool is not delivered yet",
            "retired": "is retired: the shop no longer offers it",
        }[phase.status]
        super().__init__(f"{tool} belongs to the phase {phase.name} ({phase.manifest.title}), which {state}.")


class ScopeMissing(CallError):
    """A tool that is not for this caller; `scope` is what it takes."""

    def __init__(self, tool: str, scope: str) -> None:
        super().__init__(f"{tool} takes a credential with the scope {scope}, sent as Authorization: Bearer.")
        self.scope = scope


class ArgumentsRefused(CallError):
    """Arguments that do not fit: the sentence names the field, what came and what is wanted."""


class Wait(Struct, frozen=True):
    """When to come back, in seconds, and which limit it was."""

    retry_after: int
    limit: str


class TooOften(CallError):
    """A call more than the limits allow; `refusal` says of which and when to come back."""

    def __init__(self, refusal: Refusal) -> None:
        what = {
            "coupons": "All shoppers together have tried too many coupon codes",
            "coupon": "Too many coupon codes were tried. Do not guess codes",
            "carts": "Too many carts were started. Go on with one that you have",
            "orders": "Too many orders were prepared",
            "cart": "This cart was asked for too often",
        }.get(refusal.rule, "Too many calls")
        super().__init__(f"{what}. Try again in {refusal.retry_after} seconds. Nothing was changed.")
        self.refusal = refusal
        self.detail = Wait(refusal.retry_after, refusal.rule)


class CallFailed(CallError):
    """Something broke in here."""

    def __init__(self) -> None:
        named = request_id()
        where = f" in the log of request {named}" if named else ""
        super().__init__(
            f"This call failed on our side. Nothing more is known here; the shop's operator can see why{where}."
        )
