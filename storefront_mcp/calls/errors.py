"""Errors of calls that did not reach their tool.

CallError
├── UnknownTool
├── ToolNotOpen
├── ScopeMissing        carries the scope that is required
├── SignedOut           the customer's session at the shop is over
├── ArgumentsRefused
├── RateLimited         carries the limit that was exceeded and the time to wait
└── CallFailed          internal error; details are in the log only
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES
from storefront_mcp.access.rate_limits import LimitExceeded
from storefront_mcp.commerce.error_codes import INTERNAL_ERROR, CodedError
from storefront_mcp.instrumentation import request_id
from storefront_mcp.roadmap.roadmap import PAUSE_ADVICE, Phase, pause_sentences, paused_together, phase_titles


class CallError(CodedError):
    """A call that did not run. `str(error)` is for the agent."""


class UnknownTool(CallError):
    """No phase promises a tool of this name."""

    code = "unknown_tool"

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown tool: {name[:64]}")


class PauseHint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When to ask again, and what the operator said of a pause; `until` is ISO 8601."""

    retry_after: int | None = None
    """Seconds."""
    reason: str | None = None
    until: str | None = None


class ToolNotOpen(CallError):
    """A promised tool whose phase is closed."""

    code = "tool_not_open"

    def __init__(
        self, tool: str, phase: Phase, *, phases: Sequence[Phase] = (), retry_after: int | None = None
    ) -> None:
        """`phases` are those of the store, `retry_after` is in seconds, for a paused phase."""
        terms = phase.terms
        title = phase.manifest.title
        working = "".join(_working(phases))
        self.detail: PauseHint | None = None
        match phase.status:
            case "paused":
                said = f"{pause_sentences(paused_together(phase, phases), terms)} {PAUSE_ADVICE}"
                self.detail = PauseHint(
                    retry_after=retry_after,
                    reason=terms.reason or None,
                    until=None if terms.until is None else terms.until.isoformat(),
                )
            case "planned":
                said = f"{title} is not open to agents yet at this shop, and {tool} comes with it. Tell the buyer."
            case "retired":
                said = f"{title} is no longer offered to agents by this shop, and {tool} belongs to it."
            case _:
                said = f"{title} is open, but {tool} is not delivered yet."
        super().__init__(said + working)


def _working(phases: Sequence[Phase]) -> Iterator[str]:
    """What can be done, a sentence each: by open phases, and by tools that outlive the pause of theirs."""
    if titles := phase_titles(one for one in phases if one.open).lower():
        yield f" What works: {titles}."
    if lasting := [tool for phase in phases for tool in phase.lasting_tools]:
        yield f" So do {' and '.join(lasting)}, for orders prepared before."


class ScopeMissing(CallError):
    """The caller lacks `scope`, which the tool requires."""

    code = "insufficient_scope"

    def __init__(self, tool: str, scope: str) -> None:
        said = f"{tool} takes a credential with the scope {scope}, sent as Authorization: Bearer."
        if scope in BUYER_SCOPE_NAMES:
            said = f"{tool} is for a buyer who signs in at the shop and allows {scope}; your client asks them for it."
        super().__init__(said)
        self.scope = scope


class SignedOut(CallError):
    """The session at the shop of the customer who signed in is over, and the token with it."""

    code = "signed_out"

    def __init__(self) -> None:
        super().__init__("The shop has signed the buyer out. Your client has to ask them to sign in again.")


class ArgumentsRefused(CallError):
    """Invalid arguments: the message names the field, what was sent and what is expected."""

    code = "invalid_arguments"


class RetryHint(Struct, frozen=True):
    """Seconds to wait, and the limit that was exceeded."""

    retry_after: int
    limit: str


class RateLimited(CallError):
    """A call beyond the limits; `exceeded` has the limit and the time to wait."""

    code = "rate_limited"

    def __init__(self, exceeded: LimitExceeded) -> None:
        what = {
            "coupons": "All shoppers together have tried too many coupon codes",
            "coupon": "Too many coupon codes were tried. Do not guess codes",
            "carts": "Too many carts were started. Go on with one that you have",
            "orders": "Too many orders were prepared",
            "cart": "This cart was asked for too often",
            "streams": "Too many streams are open. Close one, or poll the lists instead",
        }.get(exceeded.rule, "Too many calls")
        super().__init__(f"{what}. Try again in {exceeded.retry_after} seconds. Nothing was changed.")
        self.exceeded = exceeded
        self.detail = RetryHint(exceeded.retry_after, exceeded.rule)


class CallFailed(CallError):
    """Internal error. The message carries the request id where there is one."""

    code = INTERNAL_ERROR

    def __init__(self) -> None:
        named = request_id()
        where = f" in the log of request {named}" if named else ""
        super().__init__(
            f"This call failed on our side. Nothing more is known here; the shop's operator can see why{where}."
        )
