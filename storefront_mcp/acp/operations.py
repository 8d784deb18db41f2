"""`AcpOperations`: sessions and carts of the protocol, made of the store's own tools."""

from collections.abc import Container, Sequence
from http import HTTPStatus
from typing import Any, Final

from msgspec.structs import replace

from storefront_mcp.acp.errors import AcpError, invalid_body
from storefront_mcp.acp.request_bodies import read_lines, session_request
from storefront_mcp.acp.session_view import cart_view, session_view
from storefront_mcp.agent_protocols.acp import ACP_VERSION
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.checkout_sessions import CheckoutSessions, SessionProblem, SessionState, replace_cart_lines
from storefront_mcp.checkout_sessions.state import SessionStatus
from storefront_mcp.commerce.cart import Cart

NOT_CANCELABLE: Final[frozenset[SessionStatus]] = frozenset({"completed", "canceled", "expired", "in_progress"})
"""Statuses of a session."""


class AcpOperations:
    """What can be asked of one store. Each operation answers with a status and a body.

    All raise AcpError, CallError and ShopError.
    """

    def __init__(self, sessions: CheckoutSessions, told: Container[str] = ()) -> None:
        """`told` are the callers, by their identifiers, who are told of orders by webhook."""
        self._sessions = sessions
        self._told = told

    async def create_session(self, runner: ToolRunner, _id: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """A new session. Raises ToolNotOpen, before anything is kept, while none leads to an order."""
        closed = next((tool for tool in sorted(CheckoutSessions.REQUIRED_TOOLS) if not runner.is_open(tool)), None)
        if closed is not None:
            await runner.run(closed)
        asked = session_request(body)
        cart = body.get("cart_id")
        if isinstance(cart, str) and cart:
            # No member of the specification: how a cart becomes a checkout, it does not say.
            asked = replace(asked, cart_id=cart)
        elif not asked.lines:
            raise invalid_body("line_items is a list of at least one line.", "$.line_items")
        told = runner.caller.identifier in self._told
        state = await self._sessions.create(
            runner, asked, protocol="acp", version=ACP_VERSION, owned=True, tells_orders=told
        )
        return HTTPStatus.CREATED, _session_view(runner, state)

    async def read_session(self, runner: ToolRunner, id_: str, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The session as it is."""
        return HTTPStatus.OK, _session_view(runner, await self._sessions.read(runner, id_))

    async def update_session(self, runner: ToolRunner, id_: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The session after a change."""
        return HTTPStatus.OK, _session_view(runner, await self._sessions.update(runner, id_, session_request(body)))

    async def complete_session(self, runner: ToolRunner, id_: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Nothing is paid here. The answer says where the buyer pays, or what came of it meanwhile."""
        if body.get("buyer") is not None:
            await self._sessions.update(runner, id_, session_request({"buyer": body["buyer"]}))
        return HTTPStatus.OK, _session_view(runner, await self._sessions.complete(runner, id_))

    async def cancel_session(self, runner: ToolRunner, id_: str, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The session, given up."""
        before = await self._sessions.read(runner, id_)
        _check_cancelable(before, NOT_CANCELABLE)
        after = await self._sessions.cancel(runner, id_)
        _check_cancelable(after, NOT_CANCELABLE - {"canceled"})
        return HTTPStatus.OK, _session_view(runner, after)

    async def create_cart(self, runner: ToolRunner, _id: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """A new cart with these lines."""
        lines = read_lines(body)
        if not lines:
            raise invalid_body("line_items is a list of at least one line.", "$.line_items")
        cart: Cart = await runner.run("create_cart")
        cart, problems = await replace_cart_lines(runner, cart.cart_id, lines, None)
        return HTTPStatus.CREATED, self._cart(runner, cart, problems)

    async def read_cart(self, runner: ToolRunner, id_: str, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The cart as it is."""
        return HTTPStatus.OK, self._cart(runner, await runner.run("view_cart", cart_id=id_))

    async def update_cart(self, runner: ToolRunner, id_: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The cart with these lines instead of its own."""
        lines = read_lines(body)
        cart, problems = await replace_cart_lines(runner, id_, lines, None)
        return HTTPStatus.OK, self._cart(runner, cart, problems)

    async def cancel_cart(self, runner: ToolRunner, id_: str, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The cart as it was, and emptied then."""
        before: Cart = await runner.run("view_cart", cart_id=id_)
        await replace_cart_lines(runner, id_, (), None)
        return HTTPStatus.OK, self._cart(runner, before)

    def _cart(self, runner: ToolRunner, cart: Cart, problems: Sequence[SessionProblem] = ()) -> dict[str, Any]:
        page = self._sessions.cart_page(runner, cart.cart_id)
        return cart_view(cart, runner.shop.store, problems, page)


def _check_cancelable(state: SessionState, ended: frozenset[SessionStatus]) -> None:
    """Raises AcpError for a session that has come to one of these statuses."""
    if state.status in ended:
        message = f"This session cannot be canceled any more: it is {state.status}."
        raise AcpError(HTTPStatus.METHOD_NOT_ALLOWED, "conflict", message, allowed=())


def _session_view(runner: ToolRunner, state: SessionState) -> dict[str, Any]:
    return session_view(state, runner.shop.store)
