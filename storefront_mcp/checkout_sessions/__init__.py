"""Checkout sessions: the incomplete checkout of agent protocols, over the store's own tools."""

from storefront_mcp.checkout_sessions.line_changes import replace_cart_lines
from storefront_mcp.checkout_sessions.record import ProblemKind, SessionAddress, SessionBuyer, SessionProblem
from storefront_mcp.checkout_sessions.sessions import CheckoutSessions
from storefront_mcp.checkout_sessions.state import SessionRequest, SessionState, SessionStatus, WantedLine

__all__ = [
    "CheckoutSessions",
    "ProblemKind",
    "SessionAddress",
    "SessionBuyer",
    "SessionProblem",
    "SessionRequest",
    "SessionState",
    "SessionStatus",
    "WantedLine",
    "replace_cart_lines",
]
